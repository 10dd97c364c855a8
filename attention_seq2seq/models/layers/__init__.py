"""Layers and functions shared by the encoder and the decoder."""
