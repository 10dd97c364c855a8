"""Files, processes, progress, plots, random numbers and tracing."""
