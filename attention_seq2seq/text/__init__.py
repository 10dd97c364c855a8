"""Tokenization: converts strings to token ids, and ids to strings."""
