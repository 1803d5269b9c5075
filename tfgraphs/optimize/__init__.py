"""The one loop: a loss and an optimizer in, reports out."""
