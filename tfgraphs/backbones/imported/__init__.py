"""Networks that other programs made."""
