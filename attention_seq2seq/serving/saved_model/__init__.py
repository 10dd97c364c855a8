"""A TensorFlow SavedModel: raw text in, replies out."""
