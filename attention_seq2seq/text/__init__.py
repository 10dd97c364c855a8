"""Strings to ids and back; no model."""
