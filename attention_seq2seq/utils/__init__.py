"""Utilities for files, processes, progress bars, plots, random numbers and tracing."""
