"""Converts decoding options to parameters for a tokenizer."""

from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.decoding.params import DecodingParams
from attention_seq2seq.text.vocabulary import BOS, PAD, TURN, UNK
from attention_seq2seq.text.vocabulary_tokenizers import TargetTokenizer


def make_decoding_params(
    decoding: DecodingConfig, tokenizer: TargetTokenizer, max_length: int
) -> DecodingParams:
    """Converts decoding options to parameters.

    Args:
        decoding: the options.
        tokenizer: the tokenizer of replies.
        max_length: maximum number of tokens if the options have none, EOS included.

    Raises:
        TypeError: `decoding` is not a `DecodingConfig`.
        ValueError: the prefix has an OOV token.
    """
    if not isinstance(decoding, DecodingConfig):
        raise TypeError(
            f"decoding is {decoding!r}; expected a DecodingConfig, as in "
            'DecodingConfig(method="beam").'
        )
    # A model that spells words has not learned the unknown token.
    forbids_unk = decoding.unk_policy == "forbid" or tokenizer.speller is not None
    suppressed_ids = [PAD, BOS, TURN] + [UNK] * forbids_unk
    suppressed_sequences = []
    for text in decoding.suppress_tokens:
        for tokens in tokenizer.spellings(text):
            ids = tokenizer.vocabulary.ids(tokens)
            if UNK in ids or not ids:
                continue
            if len(ids) == 1:
                suppressed_ids += ids
            else:
                suppressed_sequences.append(ids)
    prefix = tokenizer.tokenize(decoding.target_prefix)
    prefix_ids = tokenizer.vocabulary.ids(prefix)
    if UNK in prefix_ids:
        raise ValueError(
            f"target_prefix: {prefix[prefix_ids.index(UNK)]!r} is not in the vocabulary "
            "of this model, so no reply can start with it. Choose another prefix."
        )
    max_length = decoding.max_length or max_length
    if len(prefix_ids) > max_length:
        raise ValueError(
            f"target_prefix has {len(prefix_ids)} tokens, and a reply has at most {max_length}. "
            "Choose a shorter prefix, or raise max_length."
        )
    return DecodingParams.from_config(
        decoding,
        max_length,
        suppressed_ids,
        prefix_ids,
        suppressed_sequences,
    )
