"""Text files to word numbers: reading, tokenizers, counting, vocabulary, phrases, corpus."""
