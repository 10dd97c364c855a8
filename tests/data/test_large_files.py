"""A corpus of one gigabyte is read in less than 300 megabytes of memory."""

import pytest

from helpers.large_files import FORMATS, measure_reading, write_large_corpus
from helpers.result_rows import record_result

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("name", "suffix"), [*((name, "") for name in FORMATS), ("TSV", ".gz"), ("LCCC", ".gz")]
)
def test_a_gigabyte_is_streamed(tmp_path, name, suffix):
    path = tmp_path / f"corpus{suffix}"
    write_large_corpus(path, name, 1_000_000_000)
    num_pairs, megabytes = measure_reading(path)
    print(
        f"{name}{' compressed' if suffix else ''}: {num_pairs:,} pairs in {megabytes} MB of memory"
    )
    path.unlink()
    record_result(
        "long_tests", test="memory of the readers", setting=f"{name}{suffix}", megabytes=megabytes
    )
    assert num_pairs > 2_000_000
    assert megabytes < 300
