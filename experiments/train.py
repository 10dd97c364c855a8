"""Runs `attention-seq2seq train`."""

import sys

from attention_seq2seq.cli.main import main

if __name__ == "__main__":
    main(["train", *sys.argv[1:]])
