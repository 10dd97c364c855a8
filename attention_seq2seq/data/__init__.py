"""Files to pairs of strings; no TensorFlow."""
