"""Runs `attention-seq2seq evaluate`."""

import sys

from attention_seq2seq.cli.main import main

if __name__ == "__main__":
    main(["evaluate", *sys.argv[1:]])
