"""Word vectors, dreams and painted photographs: three losses and one loop, as TensorFlow graphs."""

__version__ = "0.1.0"
