"""How graphs run on this processor: choices, forms of operations, compilation."""
