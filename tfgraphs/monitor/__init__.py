"""Displays of a run: the terminal, TensorBoard, durations as text."""
