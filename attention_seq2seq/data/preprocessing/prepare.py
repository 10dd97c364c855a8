"""Corpora to a folder of shards: cut into words once, examined, cleaned, encoded, and in order."""

from pathlib import Path

from attention_seq2seq.config.config import DataConfig, TextConfig
from attention_seq2seq.config.preprocessing import PreparationConfig
from attention_seq2seq.data.preprocessing.manifest import Prepared
from attention_seq2seq.data.preprocessing.pipeline import Job
from attention_seq2seq.utils.files import alone_in


def prepare(
    folder: str | Path,
    data: DataConfig,
    text: TextConfig | None = None,
    preparation: PreparationConfig | None = None,
    overwrite: bool = False,
    progress: bool = True,
) -> Prepared:
    r"""Writes corpora of any size into a folder that `train_prepared` trains on.

    The folder then holds TFRecord files of training and validation pairs, whose records are
    `tf.train.Example` with the int64 lists source_ids and target_ids (end of reply included); the
    vocabularies; statistics.json; and manifest.json with counts, options and hashes. The same
    corpora and options give the same bytes, whatever the number of processes, and however often
    the work was killed and begun again: what was done is not done again.

    Beside a fixed amount, memory grows by a few bytes a pair.

    Args:
        folder: made if it is not there.
        data: the corpus files, and which pairs are kept.
        text: how texts are cut, and the size of the vocabulary.
        preparation: what is left out, the order, and the number of processes. With more than one,
            a script that calls this needs `if __name__ == "__main__":`.
        overwrite: whether to replace what was prepared from other corpora or with other options.
        progress: whether to show bars, or log lines where the output is no terminal.

    Raises:
        FileNotFoundError: a corpus file is missing.
        ValueError: a bad line, no pair that stays, a folder that is in use or holds something
            else.

    Example:
        >>> folder = getfixture("tmp_path")
        >>> file = folder / "meals.tsv"
        >>> _ = file.write_text("吃什么\t吃烤鸭\n喝什么\t喝茶\n", encoding="utf-8")
        >>> prepared = prepare(folder / "prepared", DataConfig(data=(str(file),)), progress=False)
        >>> prepared.num_pairs("training")
        2
    """
    job = Job(folder, data, text, preparation, progress)
    with alone_in(job.folder):
        return job.prepared(overwrite)


def examine(
    folder: str | Path,
    data: DataConfig,
    text: TextConfig | None = None,
    preparation: PreparationConfig | None = None,
    progress: bool = True,
) -> dict:
    """Examines corpora, and writes what it finds into statistics.json.

    `prepare` into the same folder goes on from there: the words are not cut again.

    Args:
        folder: as for `prepare`, and so are the others.
        data: the corpus files, and which pairs are kept.
        text: how texts are cut, and the size of the vocabulary.
        preparation: the number of processes.
        progress: whether to show bars, or log lines where the output is no terminal.

    Returns:
        What is in statistics.json.
    """
    job = Job(folder, data, text, preparation, progress)
    with alone_in(job.folder):
        return job.examination()


def cut_share(
    folder: str | Path,
    data: DataConfig,
    text: TextConfig | None = None,
    preparation: PreparationConfig | None = None,
    share: int = 0,
    shares: int = 1,
    overwrite: bool = False,
    progress: bool = True,
) -> None:
    """Does one share of the longest work of a preparation, so that several machines may share it.

    Each machine is given the same but for `share`. When all have ended, `prepare` into the same
    folder, which may have been copied together, goes on from there: it joins the vocabularies,
    and writes what it would have written alone, byte for byte.

    Args:
        folder: as for `prepare`, and so are the others.
        data: the corpus files; all of them on each machine.
        text: how texts are cut.
        preparation: the number of processes.
        share: which share this is, from 0 on.
        shares: how many there are.
        overwrite: see `prepare`; to be given to it, too.
        progress: whether to show bars, or log lines where the output is no terminal.

    Raises:
        ValueError: there is no such share, and as for `prepare`.
    """
    if not 0 <= share < shares:
        raise ValueError(f"share {share} of {shares}; expected one from 0 to {shares - 1}.")
    job = Job(folder, data, text, preparation, progress)
    with alone_in(job.folder, share):
        job.cut_share(share, shares, overwrite)
