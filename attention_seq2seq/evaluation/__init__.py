"""Metrics of a trained model, with confidence intervals and significance tests."""
