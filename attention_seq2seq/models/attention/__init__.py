"""Attention mechanisms and the recurrent layers around them."""
