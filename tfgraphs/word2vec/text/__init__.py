"""Text files to word numbers: reading, tokenizers, counting, numbering, corpus, blocks."""
