"""A step function to sequences; knows no model and no strings."""
