"""A step function to sequences; independent of the model and of strings."""
