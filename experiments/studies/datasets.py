"""Writes corpora from packages on PyPI as files for train.py.

    pip install hsk-sentences-audio
    python -m experiments.studies.datasets translation --out=hsk.tsv
    pip install --no-deps jionlp
    python -m experiments.studies.datasets definitions --out=definitions.tsv

translation: 4,354 sentences for learners of Chinese, English to Chinese (hsk-sentences-audio,
CC BY-SA 4.0).

definitions: from the first meaning of a word to the word, for words of two to four characters in
the dictionary of jionlp (Apache-2.0). Meanings of fewer than four characters, meanings that contain
the word and references to other words are left out.
"""

import io
import json
import re
import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import console
from attention_seq2seq.cli import flags as cli_flags
from attention_seq2seq.utils.files import write_text

OUT = cli_flags.define_path("out", None, "output file [path]", required=True)

# Several meanings are numbered. In a single meaning, numbers are part of the text.
_FIRST_MEANING = re.compile(r"1\.\s*(?P<first>.*?)\s*(?:2\.|$)|\s*(?P<only>.*?)\s*$")
_REFERENCE = re.compile("^(?:见|同|亦作|参见|即|犹)")


def main(argv) -> None:
    """Writes a corpus."""
    corpora = {"translation": translation, "definitions": definitions}
    if len(argv) != 2 or argv[1] not in corpora:
        raise ValueError(
            f"got {' '.join(argv[1:]) or 'no name'}; name one of: {', '.join(corpora)}."
        )
    pairs = dict.fromkeys(corpora[argv[1]]())
    lines = [f"{prompt}\t{reply}\n" for prompt, reply in pairs]
    write_text(Path(OUT.value), "".join(lines))
    print(f"{len(lines):,} pairs: {OUT.value}")


def translation() -> Iterator[tuple[str, str]]:
    """Yields English sentences and their Chinese translations."""
    path = package_dir("hsk_sentences_audio", "hsk-sentences-audio") / "data" / "sentences.json"
    for sentence in json.loads(path.read_text(encoding="utf-8")):
        sides = sentence["translation"]["en"], sentence["chinese"]
        # Tabs and newlines separate sides and pairs in the output file.
        yield tuple(" ".join(side.split()) for side in sides)


def definitions() -> Iterator[tuple[str, str]]:
    """Yields meanings and words."""
    name = "chinese_word_dictionary"
    path = package_dir("jionlp", "--no-deps jionlp") / "dictionary" / f"{name}.zip"
    with zipfile.ZipFile(path) as archive, archive.open(f"{name}.txt") as file:
        for line in io.TextIOWrapper(file, encoding="utf-8"):
            word, _, meanings = line.rstrip("\n").partition("\t")
            match = _FIRST_MEANING.match(meanings)
            meaning = match["only"] if match["first"] is None else match["first"]
            if (
                2 <= len(word) <= 4
                and len(meaning) >= 4
                and word not in meaning
                and not _REFERENCE.match(meaning)
            ):
                yield meaning, word


def package_dir(package: str, to_install: str) -> Path:
    """Returns the directory of a package without importing it.

    Raises:
        ValueError: The package is not installed.
    """
    spec = find_spec(package)
    if spec is None:
        raise ValueError(f"{package} is not installed: pip install {to_install}")
    return Path(spec.submodule_search_locations[0])


if __name__ == "__main__":
    console.run_main(main, has_subcommand=True)
