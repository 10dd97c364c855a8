"""Corpora of any size to shards of ids."""
