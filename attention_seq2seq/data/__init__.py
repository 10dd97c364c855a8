"""Corpus files to pairs of strings, and pairs to batches of token ids."""
