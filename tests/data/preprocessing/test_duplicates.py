"""What is found by sorting hashes is what comparing all texts finds."""

import tracemalloc
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attention_seq2seq.config.preprocessing import PreparationConfig
from attention_seq2seq.data.preprocessing import duplicates
from attention_seq2seq.data.preprocessing.duplicates import both, count_repeats, replies
from attention_seq2seq.data.preprocessing.filters import REASONS, Selection

# Hashes that fall into several parts.
VALUES = st.integers(0, 6).map(lambda number: number << 61 | number)
PAIRS = st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=60)


def as_hashes(pairs) -> np.ndarray:
    return np.array(pairs, np.uint64).reshape(-1, 2)


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(duplicates, "_SMALLEST_PART", 2)
    monkeypatch.setattr(duplicates, "_SMALLEST_BLOCK", 7)


@given(PAIRS)
def test_parts_hold_every_pair_once_in_order(pairs):
    hashes = as_hashes(pairs)
    for values in (replies(hashes), both(hashes)):
        found, seen = [], set()
        for part in values.parts():
            blocks = list(part.blocks())
            own = [place for places, _ in blocks for place in places.tolist()]
            assert own == sorted(own)
            for places, block in blocks:
                assert (values.of(slice(None))[places] == block).all()
            different = {value for _, block in blocks for value in block.tolist()}
            assert not different & seen
            seen |= different
            found += own
        assert sorted(found) == list(range(len(pairs)))


@given(PAIRS)
def test_pairs_have_the_same_hash_only_if_both_sides_have(pairs):
    hashes = both(as_hashes(pairs)).of(slice(None)).tolist()
    assert len(set(hashes)) == len(set(pairs))


@given(PAIRS)
def test_counts_are_those_of_comparing_texts(pairs):
    found = count_repeats(as_hashes(pairs), num_commonest=3)
    replies_of = defaultdict(set)
    for prompt, reply in pairs:
        replies_of[prompt].add(reply)
    ambiguous = {prompt for prompt, replies in replies_of.items() if len(replies) > 1}
    replies = [reply for _, reply in pairs]
    commonest = sorted(
        ((count, replies.index(reply)) for reply, count in Counter(replies).items()),
        key=lambda found: (-found[0], found[1]),
    )
    assert found.duplicates == len(pairs) - len(set(pairs))
    assert found.distinct_prompts == len(replies_of)
    assert found.ambiguous_prompts == len(ambiguous)
    assert found.ambiguous_pairs == sum(prompt in ambiguous for prompt, _ in pairs)
    assert found.distinct_replies == len(set(replies))
    assert found.commonest == commonest[:3]


@settings(max_examples=200)
@given(PAIRS, st.data())
def test_what_stays_is_what_deciding_one_by_one_keeps(pairs, data):
    clean = data.draw(st.sampled_from([(), ("duplicates",), ("duplicates", "common_replies")]))
    cap = data.draw(st.integers(1, 4))
    aside = data.draw(st.lists(st.booleans(), min_size=len(pairs), max_size=len(pairs)))
    selection = Selection(len(pairs), PreparationConfig(clean=clean, reply_cap=cap), 9, 9)
    selection.aside[:] = aside
    selection.look_at_all(as_hashes(pairs))

    reasons, seen, times = [""] * len(pairs), set(), Counter()
    for i, pair in enumerate(pairs):
        if "duplicates" in clean and pair in seen:
            reasons[i] = "duplicates"
        seen.add(pair)
    for i, (_, reply) in enumerate(pairs):
        if "common_replies" in clean and not reasons[i]:
            times[reply] += 1
            reasons[i] = "common_replies" if times[reply] > cap else ""
    known = {pair for i, pair in enumerate(pairs) if not reasons[i] and not aside[i]}
    for i, pair in enumerate(pairs):
        if aside[i] and not reasons[i] and pair in known:
            reasons[i] = "also_in_training"
    assert [REASONS[number] for number in selection.reasons] == reasons
    report = selection.report()
    assert report["training"] + report["validation"] + sum(report["removed"].values()) == len(pairs)


@pytest.mark.parametrize("share", [0, 1 / 3, 1], ids=["no", "a third of the", "every"])
def test_at_most_16_bytes_a_distinct_pair(monkeypatch, tmp_path, share):
    """Also where a third of the prompts, or all, have the same reply."""
    monkeypatch.undo()
    num_pairs = 1_000_000
    hashes = np.memmap(tmp_path / "hashes", np.uint64, "w+", shape=(num_pairs, 2))
    draw = np.random.default_rng(1)
    hashes[:] = draw.integers(0, 2**63, (num_pairs, 2), np.uint64) * np.uint64(2)
    hashes[: round(share * num_pairs), 1] = 5
    hashes[1000:2000] = hashes[:1000]
    tracemalloc.start()
    config = PreparationConfig(clean=("duplicates", "common_replies"), reply_cap=num_pairs)
    selection = Selection(num_pairs, config, 9, 9)
    selection.look_at_all(hashes)
    assert count_repeats(hashes).duplicates == 1000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert selection.report()["removed"]["duplicates"] == 1000
    assert peak < 16 * num_pairs
