"""Networks that paint in one pass, trained on one painting."""
