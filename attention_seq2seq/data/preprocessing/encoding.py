"""Encodes the tokens of a chunk as ids of vocabularies."""

import dataclasses
from itertools import pairwise

import numpy as np

from attention_seq2seq.data.preprocessing.chunks import NOT_TOKENIZED, Chunk
from attention_seq2seq.text.tokenizer import num_truncated_turns
from attention_seq2seq.text.vocabulary import SPECIALS, TURN
from attention_seq2seq.text.vocabulary_tokenizers import VocabularyTokenizer


def encode_ids(
    chunk: Chunk,
    source: VocabularyTokenizer,
    target: VocabularyTokenizer,
    max_source_length: int,
) -> Chunk:
    """Returns a chunk with ids of vocabularies.

    Args:
        chunk: a chunk of words.
        source: encodes the prompts.
        target: encodes the replies.
        max_source_length: maximum length of a prompt [tokens].

    Returns:
        The chunk, whose `source_ids` and `target_ids` are ids of the vocabularies. With spelled
        words, lengths and `num_truncated` differ.
    """
    (source_words, source_length), (target_words, target_length) = chunk.sides
    source_ids, new_source_length = _encode_side(source_words, source_length, chunk, source)
    target_ids, new_target_length = _encode_side(target_words, target_length, chunk, target)
    num_truncated = chunk.num_truncated
    if source.speller and source.config.context_turns:
        num_truncated = _num_truncated(source_ids, new_source_length, max_source_length)
    return dataclasses.replace(
        chunk,
        source_ids=source_ids,
        source_length=_restore_not_tokenized(new_source_length, chunk.source_length),
        num_truncated=num_truncated,
        target_ids=target_ids,
        target_length=_restore_not_tokenized(new_target_length, chunk.target_length),
    )


def _encode_side(
    words: np.ndarray, lengths: np.ndarray, chunk: Chunk, tokenizer: VocabularyTokenizer
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the ids of words, and the number of ids of each row."""
    special_ids, vocabulary = range(len(SPECIALS)), tokenizer.vocabulary
    chunk_words = chunk.tokens[len(SPECIALS) :]
    if not tokenizer.speller:
        return np.array([*special_ids, *vocabulary.ids(chunk_words)], np.int32)[words], lengths
    ids_of_word = [[index] for index in special_ids]
    ids_of_word += (vocabulary.ids(tokenizer.spell([word])) for word in chunk_words)
    num_ids = np.array(list(map(len, ids_of_word)))
    first_ids = np.cumsum(num_ids) - num_ids
    # Position within its word of each id.
    new_lengths = num_ids[words]
    ends = np.cumsum(new_lengths)
    offsets = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - new_lengths, new_lengths)
    flat_ids = np.concatenate(ids_of_word).astype(np.int32)
    ids = flat_ids[np.repeat(first_ids[words], new_lengths) + offsets]
    row_ends = np.concatenate([[0], ends])[np.cumsum(lengths)]
    return ids, np.diff(row_ends, prepend=0)


def _num_truncated(ids: np.ndarray, lengths: np.ndarray, limit: int) -> np.ndarray:
    """Returns the number of leading ids of each prompt in the turns to drop."""
    num_truncated = np.zeros(len(lengths), np.int32)
    starts = np.cumsum(lengths) - lengths
    for row in np.flatnonzero(lengths > limit).tolist():
        row_ids = ids[starts[row] : starts[row] + lengths[row]]
        bounds = [-1, *np.flatnonzero(row_ids == TURN).tolist(), len(row_ids)]
        turns = [range(start + 1, end) for start, end in pairwise(bounds)]
        num_truncated[row] = bounds[num_truncated_turns(turns, limit)] + 1
    return num_truncated


def _restore_not_tokenized(lengths: np.ndarray, word_lengths: np.ndarray) -> np.ndarray:
    return np.where(word_lengths == NOT_TOKENIZED, NOT_TOKENIZED, lengths)
