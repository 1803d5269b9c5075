"""Word vectors as SavedModels."""
