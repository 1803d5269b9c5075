"""Reads and writes pictures and films, and works on their pixels."""
