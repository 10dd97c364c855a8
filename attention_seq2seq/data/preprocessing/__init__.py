"""Corpora of any size to shards of token ids."""
