"""Runs `attention-seq2seq prepare`."""

import sys

from attention_seq2seq.cli.main import main

if __name__ == "__main__":
    main(["prepare", *sys.argv[1:]])
