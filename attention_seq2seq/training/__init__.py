"""Training: from pairs of prompts and replies to a model directory."""
