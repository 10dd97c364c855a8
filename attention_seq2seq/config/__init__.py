"""Options of data, text, model, training, decoding and serving, as frozen dataclasses."""
