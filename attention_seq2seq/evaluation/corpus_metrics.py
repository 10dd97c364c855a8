"""Computes sufficient statistics of metrics, which are sums over prompts."""

import re
from collections import defaultdict

import numpy as np
from sacrebleu.metrics import BLEU, CHRF
from sacrebleu.tokenizers.tokenizer_zh import TokenizerZh

from attention_seq2seq.chat import Chat
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.evaluation import metrics
from attention_seq2seq.evaluation.significance import MetricStats, ratio_metric
from attention_seq2seq.text.normalization import Normalizer
from attention_seq2seq.text.spelling import num_characters as count_characters
from attention_seq2seq.text.vocabulary import EOS, UNK

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
    """Returns perplexities of the references. EOS counts as a token and as a character.

    Blanks do not count as characters, because they are tokens of a character tokenizer but not of
    jieba, and both must have equal counts.

    Args:
        chat: a trained model.
        prompts: the prompts.
        references: reference replies of each prompt.

    Returns:
        The perplexity of tokens and of characters, and the rate of OOV tokens.
    """
    rows = [row for row, texts in enumerate(references) for _ in texts]
    texts = [text for prompt_texts in references for text in prompt_texts]
    unnormalized = DecodingConfig(length_penalty=0.0)
    losses = -np.array(chat.score([prompts[row] for row in rows], texts, unnormalized))
    num_tokens, num_characters, num_oov = [], [], []
    for text in texts:
        tokens = chat.tokenizer.target.tokenize(text)
        ids = [*chat.tokenizer.target.vocabulary.ids(tokens), EOS]
        num_tokens.append(len(ids))
        num_oov.append(ids.count(UNK))
        # An OOV token counts as one character, because the model does not know its length.
        lengths = (1 if i == UNK else count_characters(token) for token, i in zip(tokens, ids))
        num_characters.append(1 + sum(lengths))
    loss_sums, token_sums, character_sums, oov_sums = (
        np.bincount(rows, values, len(prompts))
        for values in (losses, num_tokens, num_characters, num_oov)
    )
    return {
        "perplexity": ratio_metric(loss_sums, token_sums, np.exp),
        "character_perplexity": ratio_metric(loss_sums, character_sums, np.exp),
        OOV_RATE: ratio_metric(oov_sums, token_sums),
    }


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
