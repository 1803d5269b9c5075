"""From text files to numbered words."""
