"""Computes sufficient statistics of metrics, which are sums over prompts."""

import math
import re
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from sacrebleu.metrics import BLEU, CHRF
from sacrebleu.tokenizers.tokenizer_zh import TokenizerZh

from attention_seq2seq.chat import Chat
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.evaluation import metrics
from attention_seq2seq.evaluation.significance import MetricStats, ratio_metric
from attention_seq2seq.text.normalization import Normalizer
from attention_seq2seq.text.spelling import num_characters as count_characters
from attention_seq2seq.text.vocabulary import SPECIALS, UNK, Vocabulary

PERPLEXITIES = ("perplexity", "character_perplexity")
OOV_RATE = "oov_rate"

_MAX_BLEU_ORDER = 4

_NORMALIZE = Normalizer(lowercase=True)
_TOKENIZER = TokenizerZh()
# Chinese characters that sacrebleu does not recognize: rare characters, and all above U+FFFF.
_RARE_CHINESE = re.compile("([\u4db6-\u4dbf\u9fbc-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])")


def metric_tokens(text: str) -> list[str]:
    """Tokenizes a text for metrics, independently of any model.

    Example:
        >>> metric_tokens("今天吃KFC吗？no way")
        ['今', '天', '吃', 'kfc', '吗', '?', 'no', 'way']
        >>> metric_tokens("𠀀𠮷ok")
        ['𠀀', '𠮷', 'ok']
    """
    return _TOKENIZER(_RARE_CHINESE.sub(r" \1 ", _NORMALIZE(text))).split()


def perplexity_stats(chat: Chat, prompts, references) -> dict[str, MetricStats]:
    """Returns perplexities of the references, and rates of OOV words.

    EOS counts as a token and as a character. Blanks do not count as characters, because they are
    tokens of a character tokenizer but not of jieba, and both must have equal counts.

    A model that replaces OOV words by the unknown token does not predict their text. In the
    perplexity per character, such a word counts as one character. In the open-vocabulary
    perplexity, all its characters count. Its text costs as much as a uniform distribution over the
    characters of the vocabulary and the end of a word. Without the end, the probabilities of all
    words would not sum to one, and a model that predicts where words end would seem worse.

    Args:
        chat: a trained model.
        prompts: the prompts.
        references: reference replies of each prompt.

    Returns:
        The perplexity of tokens and of characters, the open-vocabulary perplexity of characters,
        the rate of OOV tokens, and the rate of prompts with an OOV word.
    """
    rows = [row for row, texts in enumerate(references) for _ in texts]
    texts = [text for prompt_texts in references for text in prompt_texts]
    unnormalized = DecodingConfig(length_penalty=0.0)
    losses = -np.array(chat.score([prompts[row] for row in rows], texts, unnormalized))
    target, source = chat.tokenizer.target, chat.tokenizer.source
    counts = [_count_tokens(target.tokenize(text), target.vocabulary) for text in texts]
    sums = _TokenCounts(*(np.bincount(rows, column, len(prompts)) for column in zip(*counts)))
    loss_sums = np.bincount(rows, losses, len(prompts))
    # Characters of the vocabulary are at most those of the training replies, so the cost is a
    # lower bound.
    tokens = target.vocabulary.tokens(range(len(SPECIALS), len(target.vocabulary)))
    symbol_cost = math.log(len(set("".join(tokens))) + 1)
    open_loss_sums = loss_sums + symbol_cost * (sums.oov_characters + sums.oov_tokens)
    has_oov_word = np.array([source.has_oov_word(prompt) for prompt in prompts], float)
    return {
        "perplexity": ratio_metric(loss_sums, sums.tokens, np.exp),
        "character_perplexity": ratio_metric(loss_sums, sums.characters, np.exp),
        "open_vocabulary_perplexity": ratio_metric(
            open_loss_sums, sums.characters - sums.oov_tokens + sums.oov_characters, np.exp
        ),
        OOV_RATE: ratio_metric(sums.oov_tokens, sums.tokens),
        "oov_prompts": ratio_metric(has_oov_word, np.ones(len(prompts))),
    }


class _TokenCounts(NamedTuple):
    """Counts of the tokens and characters of a text, or of several texts."""

    tokens: np.ndarray | int
    characters: np.ndarray | int
    oov_tokens: np.ndarray | int
    oov_characters: np.ndarray | int


def _count_tokens(tokens: Sequence[str], vocabulary: Vocabulary) -> _TokenCounts:
    """Counts tokens and characters. An OOV token counts as one character."""
    ids = vocabulary.ids(tokens)
    num_characters = list(map(count_characters, tokens))
    oov_lengths = [length for length, i in zip(num_characters, ids) if i == UNK]
    num_in_vocabulary = sum(num_characters) - sum(oov_lengths)
    return _TokenCounts(
        1 + len(ids), 1 + num_in_vocabulary + len(oov_lengths), len(oov_lengths), sum(oov_lengths)
    )


def similarity_stats(prompts, replies, references) -> dict[str, MetricStats]:
    """Computes metrics of the similarity of replies to the most similar reference.

    The token error rate is defined as in speech recognition, as the edit distance divided by the
    number of reference tokens. For pronunciations, 1 - exact_match is the word error rate, where a
    word is correct if it equals one of its references (Bisani and Ney 2008).

    Args:
        prompts: the prompts.
        replies: `metric_tokens` of each reply.
        references: reference replies of each prompt, as tokens separated by blanks.

    Returns:
        Exact match, token error rate, ROUGE-L, prompt bigram overlap, length ratio.
    """
    # For each metric, the numerator and the denominator of each prompt.
    ratios = defaultdict(list)
    for prompt, reply, texts in zip(prompts, replies, references):
        expected = [text.split() for text in texts]
        nearest = min(expected, key=lambda tokens: metrics.edit_distance(reply, tokens))
        rouge_l = max(metrics.rouge_l(reply, tokens) for tokens in expected)
        ratios["exact_match"].append((reply in expected, 1))
        ratios["token_error_rate"].append((metrics.edit_distance(reply, nearest), len(nearest)))
        ratios["rouge_l"].append((rouge_l, 1))
        ratios["prompt_bigram_overlap"].append(
            metrics.count_prompt_bigrams(metric_tokens(prompt), reply)
        )
        ratios["length_ratio"].append((len(reply), len(nearest)))
    stats = {name: ratio_metric(*np.array(rows, float).T) for name, rows in ratios.items()}
    # If no reply has two tokens, there are no bigrams.
    return {name: metric for name, metric in stats.items() if metric.sums[:, 1].any()}


def sacrebleu_stats(replies, references) -> tuple[dict[str, MetricStats], list[str]]:
    """Returns BLEU and chrF from sacrebleu's sentence statistics, and its signatures.

    BLEU is omitted if no reference is long enough for 4-grams.

    Args:
        replies: `metric_tokens` of each reply.
        references: reference replies of each prompt, as tokens separated by blanks.

    Returns:
        The metrics, between 0 and 1, and a signature for each metric.

    Source:
        Papineni et al. 2002 (BLEU), Popović 2015 (chrF), Post 2018 (sacrebleu).
    """
    max_references = max(map(len, references))
    columns = [
        [(prompt_texts + [None] * max_references)[i] for prompt_texts in references]
        for i in range(max_references)
    ]
    scorers = {"chrf": CHRF(lowercase=True, references=columns)}
    if any(len(text.split()) >= _MAX_BLEU_ORDER for texts in references for text in texts):
        bleu = BLEU(tokenize="zh", lowercase=True, references=columns)
        scorers = {"bleu": bleu, **scorers}
    texts = [" ".join(tokens) for tokens in replies]
    stats, signatures = {}, []
    for name, scorer in scorers.items():
        sums = np.array(scorer._extract_corpus_statistics(texts, None), float)
        stats[name] = MetricStats(sums, _statistic_of(scorer))
        # Unlike in sacrebleu, full-width letters and punctuation are also mapped to ASCII.
        signatures.append(f"{name}|{scorer.get_signature().format()}|text:normalized")
    return stats, signatures


def _statistic_of(scorer):
    """Returns a function that computes a sacrebleu metric from its statistics.

    Intervals of sacrebleu may exceed the range from 0 to 1, and its paired test may find equal
    results significantly different.
    """

    def statistic(sums):
        scores = (scorer._compute_score_from_stats(row.tolist()).score for row in sums)
        return np.array([score / 100 for score in scores])

    return statistic
