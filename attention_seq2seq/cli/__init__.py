"""The commands of `attention-seq2seq`. Each is a module with `define_flags` and `run`."""
