"""Export to a TensorFlow SavedModel that maps raw text to replies."""
