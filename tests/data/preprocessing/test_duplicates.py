"""Sorting hashes finds the same duplicates as comparing all texts."""

import tracemalloc
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attention_seq2seq.config.preprocessing import PreprocessingConfig
from attention_seq2seq.data.preprocessing.duplicates import (
    count_duplicates,
    pair_hashes,
)
from attention_seq2seq.data.preprocessing.filters import REMOVAL_REASONS, PairFilter

HASHES = st.integers(0, 6).map(lambda value: value << 61 | value)
PAIRS = st.lists(st.tuples(HASHES, HASHES), min_size=1, max_size=60)


def to_hashes(pairs) -> np.ndarray:
    return np.array(pairs, np.uint64).reshape(-1, 2)


@given(PAIRS)
def test_pairs_have_the_same_hash_only_if_both_sides_have(pairs):
    hashes = pair_hashes(to_hashes(pairs)).tolist()
    assert len(set(hashes)) == len(set(pairs))


@given(PAIRS)
def test_counts_match_comparing_texts(pairs):
    stats = count_duplicates(to_hashes(pairs), num_most_common=3)
    replies_by_prompt = defaultdict(set)
    for prompt, reply in pairs:
        replies_by_prompt[prompt].add(reply)
    ambiguous = {prompt for prompt, replies in replies_by_prompt.items() if len(replies) > 1}
    replies = [reply for _, reply in pairs]
    most_common = sorted(
        ((count, replies.index(reply)) for reply, count in Counter(replies).items()),
        key=lambda entry: (-entry[0], entry[1]),
    )
    assert stats.num_duplicates == len(pairs) - len(set(pairs))
    assert stats.num_distinct_prompts == len(replies_by_prompt)
    assert stats.num_ambiguous_prompts == len(ambiguous)
    assert stats.num_ambiguous_pairs == sum(prompt in ambiguous for prompt, _ in pairs)
    assert stats.num_distinct_replies == len(set(replies))
    assert stats.most_common == most_common[:3]


@settings(max_examples=200)
@given(PAIRS, st.data())
def test_the_filter_matches_a_plain_loop(pairs, data):
    clean = data.draw(st.sampled_from([(), ("duplicates",), ("duplicates", "common_replies")]))
    cap = data.draw(st.integers(1, 4))
    is_validation = data.draw(st.lists(st.booleans(), min_size=len(pairs), max_size=len(pairs)))
    pair_filter = PairFilter(
        len(pairs), PreprocessingConfig(filters=clean, max_reply_count=cap), 9, 9
    )
    pair_filter.is_validation[:] = is_validation
    pair_filter.finalize(to_hashes(pairs))

    reasons, previous_pairs, reply_counts = [""] * len(pairs), set(), Counter()
    for i, pair in enumerate(pairs):
        if "duplicates" in clean and pair in previous_pairs:
            reasons[i] = "duplicates"
        previous_pairs.add(pair)
    for i, (_, reply) in enumerate(pairs):
        if "common_replies" in clean and not reasons[i]:
            reply_counts[reply] += 1
            reasons[i] = "common_replies" if reply_counts[reply] > cap else ""
    training = {p for i, p in enumerate(pairs) if not reasons[i] and not is_validation[i]}
    for i, pair in enumerate(pairs):
        if is_validation[i] and not reasons[i] and pair in training:
            reasons[i] = "also_in_training"
    assert [REMOVAL_REASONS[index] for index in pair_filter.removal_reasons] == reasons
    counts = pair_filter.counts()
    assert counts["training"] + counts["validation"] + sum(counts["removed"].values()) == len(pairs)


@pytest.mark.parametrize("fraction", [0, 1 / 3, 1], ids=["no", "a third of the", "every"])
def test_memory_is_at_most_48_bytes_per_pair(tmp_path, fraction):
    """Also if a third or all of the prompts have the same reply."""
    num_pairs = 1_000_000
    hashes = np.memmap(tmp_path / "hashes", np.uint64, "w+", shape=(num_pairs, 2))
    rng = np.random.default_rng(1)
    hashes[:] = rng.integers(0, 2**63, (num_pairs, 2), np.uint64) * np.uint64(2)
    hashes[: round(fraction * num_pairs), 1] = 5
    hashes[1000:2000] = hashes[:1000]
    tracemalloc.start()
    config = PreprocessingConfig(
        filters=("duplicates", "common_replies"), max_reply_count=num_pairs
    )
    pair_filter = PairFilter(num_pairs, config, 9, 9)
    pair_filter.finalize(hashes)
    assert count_duplicates(hashes).num_duplicates == 1000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    print(f"{peak / num_pairs:.1f} bytes per pair")
    assert pair_filter.counts()["removed"]["duplicates"] == 1000
    assert peak < 48 * num_pairs
