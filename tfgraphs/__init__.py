"""Word vectors, dreams and painted photographs: three losses and one loop, as TensorFlow graphs."""

import os

from tfgraphs.version import __version__ as __version__

# Convolutions and pooling with oneDNN on every x86 processor, which TensorFlow leaves out where there is no AVX-512: it
# takes a third of the time off a gradient of SqueezeNet. TensorFlow reads this when it is imported.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
