"""A trained model exported to run elsewhere."""
