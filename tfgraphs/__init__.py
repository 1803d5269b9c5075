"""Word vectors, dreams and painted photographs: three losses and one loop, as TensorFlow graphs."""

from tfgraphs.version import __version__ as __version__
