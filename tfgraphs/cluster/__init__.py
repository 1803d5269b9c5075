"""Several processes and machines: what training, counting and folders of pictures need of them."""
