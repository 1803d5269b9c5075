"""Whole files, downloads, and what files from outside may do."""
