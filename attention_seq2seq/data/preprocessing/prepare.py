"""Analyzes, filters, tokenizes and shuffles corpora into a directory of shards."""

from pathlib import Path

from attention_seq2seq.config.data import DataConfig
from attention_seq2seq.config.preprocessing import PreprocessingConfig
from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.data.preprocessing.manifest import PreparedDataset
from attention_seq2seq.data.preprocessing.pipeline import PreprocessingPipeline
from attention_seq2seq.utils.files import locked_dir


def prepare(
    prepared_dir: str | Path,
    data: DataConfig,
    text: TextConfig | None = None,
    preprocessing: PreprocessingConfig | None = None,
    overwrite: bool = False,
    progress: bool = True,
) -> PreparedDataset:
    r"""Preprocesses corpora of any size into a directory that `train_prepared` trains on.

    The directory contains TFRecord files of training and validation pairs, the vocabularies,
    statistics.json, and manifest.json with counts, options and hashes. Records are
    `tf.train.Example` with the int64 lists source_ids and target_ids, EOS included.

    Preprocessing is resumable: finished work is not repeated. The same corpora and options give the
    same bytes, regardless of the number of processes and of interruptions. Memory grows by at most
    48 bytes per pair.

    Args:
        prepared_dir: the directory; created if it does not exist.
        data: the corpus files, and limits on the pairs.
        text: the options of the tokenizer, and the size of the vocabulary.
        preprocessing: the filters, the random seed, and the number of processes. With several
            processes, the calling script needs `if __name__ == "__main__":`.
        overwrite: whether to replace a dataset with other corpora or options.
        progress: whether to show progress bars, or log lines if the output is not a terminal.

    Raises:
        FileNotFoundError: a corpus file is missing.
        ValueError: a line is unreadable, no pair remains, or the directory is in use or has other
            files.

    Example:
        >>> directory = getfixture("tmp_path")
        >>> path = directory / "meals.tsv"
        >>> _ = path.write_text("吃什么\t吃烤鸭\n喝什么\t喝茶\n", encoding="utf-8")
        >>> data = DataConfig(data=(str(path),))
        >>> prepared = prepare(directory / "prepared", data, progress=False)
        >>> prepared.num_pairs("training")
        2
    """
    pipeline = PreprocessingPipeline(prepared_dir, data, text, preprocessing, progress)
    with locked_dir(pipeline.prepared_dir):
        return pipeline.run(overwrite)


def analyze_corpus(
    prepared_dir: str | Path,
    data: DataConfig,
    text: TextConfig | None = None,
    preprocessing: PreprocessingConfig | None = None,
    progress: bool = True,
) -> dict:
    """Analyzes corpora, and writes statistics.json.

    A later `prepare` into the same directory does not tokenize the texts again.

    Args:
        prepared_dir: the directory; created if it does not exist.
        data: the corpus files, and limits on the pairs.
        text: the options of the tokenizer, and the size of the vocabulary.
        preprocessing: the filters, the random seed, and the number of processes.
        progress: whether to show progress bars, or log lines if the output is not a terminal.

    Returns:
        The content of statistics.json.
    """
    pipeline = PreprocessingPipeline(prepared_dir, data, text, preprocessing, progress)
    with locked_dir(pipeline.prepared_dir):
        return pipeline.analyze()
