"""Ids to logits; no strings."""
