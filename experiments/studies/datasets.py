"""Writes corpora from packages on PyPI, and from Debian, as files for train.py.

    pip install hsk-sentences-audio
    python -m experiments.studies.datasets translation --out=hsk.tsv
    pip install --no-deps jionlp
    python -m experiments.studies.datasets definitions --out=definitions.tsv
    apt-get update -o Acquire::Languages=en
    python -m experiments.studies.datasets summaries --out=training.tsv --test_out=test.tsv

translation: 4,354 sentences for learners of Chinese, English to Chinese (hsk-sentences-audio,
CC BY-SA 4.0).

definitions: from the first meaning of a word to the word, for words of two to four characters in
the dictionary of jionlp (Apache-2.0). Meanings of fewer than four characters, meanings that contain
the word and references to other words are left out.

summaries: from the description of a Debian package to its one-line synopsis. The lists of apt are
read where they are. The package names decide which twentieth of the packages is written to
--test_out. The descriptions have the licenses of their packages.
"""

import io
import json
import re
import subprocess
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

import console
from attention_seq2seq.cli import flags as cli_flags
from attention_seq2seq.utils.files import write_text

OUT = cli_flags.define_path("out", None, "output file [path]", required=True)
TEST_OUT = cli_flags.define_path("test_out", None, "output file of the test pairs [path]")

# Lists of apt with the descriptions of packages, and the program that reads them.
_APT_LISTS = Path("/var/lib/apt/lists")
_APT_HELPER = "/usr/lib/apt/apt-helper"
_TEST_FRACTION = 1 / 20

# Several meanings are numbered. In a single meaning, numbers are part of the text.
_FIRST_MEANING = re.compile(r"1\.\s*(?P<first>.*?)\s*(?:2\.|$)|\s*(?P<only>.*?)\s*$")
_DESCRIPTION = re.compile(
    r"^Package: (?P<name>\S+)$.*^Description-en: (?P<synopsis>[^\n]+)\n(?P<description> .+)",
    re.MULTILINE | re.DOTALL,
)
_REFERENCE = re.compile("^(?:见|同|亦作|参见|即|犹)")


def main(argv) -> None:
    """Writes a corpus."""
    corpora = {"translation": translation, "definitions": definitions, "summaries": summaries}
    if len(argv) != 2 or argv[1] not in corpora:
        raise ValueError(
            f"got {' '.join(argv[1:]) or 'no name'}; name one of: {', '.join(corpora)}."
        )
    if argv[1] == "summaries":
        if TEST_OUT.value is None:
            raise ValueError("--test_out is missing; name the file of the test pairs.")
        training, test = split_by_name(summaries())
        write_pairs(training, OUT.value)
        write_pairs(test, TEST_OUT.value)
    else:
        write_pairs(corpora[argv[1]](), OUT.value)


def write_pairs(pairs: Iterable[tuple[str, str]], path: str) -> None:
    """Writes each pair once, and prints the number of pairs."""
    lines = [f"{prompt}\t{reply}\n" for prompt, reply in dict.fromkeys(pairs)]
    write_text(Path(path), "".join(lines))
    print(f"{len(lines):,} pairs: {path}")


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


def summaries() -> Iterator[tuple[str, str, str]]:
    """Yields names, descriptions and synopses of Debian packages.

    Raises:
        ValueError: apt has no lists of descriptions.
    """
    paths = sorted(_APT_LISTS.glob("*_i18n_Translation-en*"))
    if not paths or not Path(_APT_HELPER).is_file():
        raise ValueError(
            f"{_APT_LISTS} has no English descriptions. On Debian, run apt-get update -o "
            "Acquire::Languages=en."
        )
    for path in paths:
        command = [_APT_HELPER, "cat-file", path]
        content = subprocess.run(command, check=True, capture_output=True).stdout
        yield from parse_descriptions(content.decode("utf-8"))


def parse_descriptions(content: str) -> Iterator[tuple[str, str, str]]:
    r"""Yields names, descriptions and synopses of the entries of a list of descriptions.

    Example:
        >>> entry = "Package: sl\nDescription-en: a train\n A train\n runs.\n .\n More."
        >>> list(parse_descriptions(entry))
        [('sl', 'A train runs. More.', 'a train')]
    """
    for entry in content.split("\n\n"):
        match = _DESCRIPTION.search(entry)
        if match:
            # A line with a dot separates paragraphs.
            lines = [line for line in match["description"].split("\n") if line.strip() != "."]
            description = " ".join(" ".join(lines).split())
            yield match["name"], description, " ".join(match["synopsis"].split())


def split_by_name(rows: Iterable[tuple[str, str, str]]) -> tuple[list, list]:
    """Returns training and test pairs of (name, prompt, reply). Names decide the split."""
    training, test = [], []
    for name, prompt, reply in rows:
        is_test = zlib.crc32(name.encode()) < _TEST_FRACTION * 2**32
        (test if is_test else training).append((prompt, reply))
    return training, test


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
