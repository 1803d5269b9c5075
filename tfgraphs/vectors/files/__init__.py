"""Readers and writers of word vectors, one module each."""
