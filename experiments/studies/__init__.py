"""Studies: scripts that each answer one question about the model."""
