"""Readers of corpus file formats."""
