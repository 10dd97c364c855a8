"""Reads pairs of strings from corpus files, and batches pairs of token ids."""
