"""Runs `attention-seq2seq` as `python -m attention_seq2seq`."""

from attention_seq2seq.cli.main import main

if __name__ == "__main__":
    main()
