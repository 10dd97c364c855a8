"""Runs `attention-seq2seq chat`."""

import sys

from attention_seq2seq.cli.main import main

if __name__ == "__main__":
    main(["chat", *sys.argv[1:]])
