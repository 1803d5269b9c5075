"""How graphs run on this processor."""
