"""Shared by all tests: quiet TensorFlow, and the models that several tests look at."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
