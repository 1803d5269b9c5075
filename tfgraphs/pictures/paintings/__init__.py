"""Paintings of the project's own, as style pictures: drawn by `draw`, free to use under the project's licence."""
