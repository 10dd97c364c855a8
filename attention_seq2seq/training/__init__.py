"""Pairs to trained weights."""
