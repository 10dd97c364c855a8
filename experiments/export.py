"""Runs `attention-seq2seq export`."""

import sys

from attention_seq2seq.cli.main import main

if __name__ == "__main__":
    main(["export", *sys.argv[1:]])
