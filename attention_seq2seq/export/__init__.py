"""A trained model to a folder that any TensorFlow runs: raw text in, reply out."""
