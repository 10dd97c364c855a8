"""Runs `attention-seq2seq generate`."""

import sys

from attention_seq2seq.cli.main import main

if __name__ == "__main__":
    main(["generate", *sys.argv[1:]])
