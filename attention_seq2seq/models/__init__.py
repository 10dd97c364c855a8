"""Models that map token ids to logits."""
