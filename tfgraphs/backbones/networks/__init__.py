"""Networks that are built here, layer by layer."""
