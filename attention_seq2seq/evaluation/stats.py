"""What a model's replies come to on each prompt: the sums that metrics are made of."""

import re

import numpy as np
from sacrebleu.metrics import BLEU, CHRF
from sacrebleu.tokenizers.tokenizer_zh import TokenizerZh

from attention_seq2seq.chat import Chat
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.evaluation import metrics
from attention_seq2seq.evaluation.significance import Counted, ratio
from attention_seq2seq.text.normalization import Normalizer
from attention_seq2seq.text.vocabulary import UNK

PERPLEXITIES = ("perplexity", "character_perplexity")
UNKNOWN = "unknown"

# BLEU counts up to four tokens in a row.
_BLEU_TOKENS = 4

_NORMALIZE = Normalizer(lower_case=True)
_TOKENIZER = TokenizerZh()
# Chinese characters that sacrebleu does not take for such: later ones, and all beyond U+FFFF.
_LATER_CHINESE = re.compile("([\u4db6-\u4dbf\u9fbc-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])")


def tokens_of(text: str) -> list[str]:
    """The tokens of a text, see `evaluation.Evaluation`.

    Example:
        >>> tokens_of("今天吃KFC吗？no way")
        ['今', '天', '吃', 'kfc', '吗', '?', 'no', 'way']
        >>> tokens_of("𠀀𠮷ok")
        ['𠀀', '𠮷', 'ok']
    """
    return _TOKENIZER(_LATER_CHINESE.sub(r" \1 ", _NORMALIZE(text))).split()


def likelihood(chat: Chat, prompts, references) -> dict[str, Counted]:
    """Perplexities of the references; the end of a reply is a word, and a character.

    Blanks are no characters: where characters are words they are words too, where jieba cuts they
    are left out, and both are to count the same.

    Args:
        chat: a trained model.
        prompts: what it is asked.
        references: for each prompt the texts of the replies that were expected.

    Returns:
        By name perplexity of words and of characters, and the share of unknown words.
    """
    rows = [number for number, texts in enumerate(references) for _ in texts]
    texts = [text for of_one in references for text in of_one]
    plain = DecodingConfig(length_penalty=0.0)
    losses = -np.array(chat.score([prompts[row] for row in rows], texts, plain))
    words, characters, unknown = [], [], []
    for text in texts:
        said = chat.tokenizer.target.tokenize(text)
        ids = chat.tokenizer.target.encode(text)
        words.append(len(ids))
        unknown.append(ids.count(UNK))
        # What an unknown word was, the model does not know: it is one character to it.
        known = (1 if i == UNK else len(word.strip()) for word, i in zip(said, ids))
        characters.append(1 + sum(known))
    loss, of_words, of_characters, of_unknown = (
        np.bincount(rows, values, len(prompts)) for values in (losses, words, characters, unknown)
    )
    return {
        "perplexity": ratio(loss, of_words, np.exp),
        "character_perplexity": ratio(loss, of_characters, np.exp),
        UNKNOWN: ratio(of_unknown, of_words),
    }


def likeness(prompts, said, references) -> dict[str, Counted]:
    """How like the references replies are; of several references the nearest counts.

    The error rate is that of speech recognition: edits of the replies, as a share of the tokens of
    the references. Where a reply is exactly right or not, what is missing to 1 is the word error
    rate of pronunciations (Bisani and Ney 2008: a word is right if it is one of its references).

    Args:
        prompts: what a model was asked.
        said: the tokens of its replies, see `tokens_of`.
        references: for each prompt the replies that were expected, tokens with blanks between.

    Returns:
        By name exact match, error rate, ROUGE-L, echoes, length ratio.
    """
    names = ("exact_match", "error_rate", "rouge_l", "echo", "length_ratio")
    counts = {name: ([], []) for name in names}

    def count(name: str, found: float, of: float) -> None:
        for side, value in zip(counts[name], (found, of)):
            side.append(value)

    for prompt, reply, texts in zip(prompts, said, references):
        expected = [text.split() for text in texts]
        nearest = min(expected, key=lambda tokens: metrics.edits(reply, tokens))
        count("exact_match", reply in expected, 1)
        count("error_rate", metrics.edits(reply, nearest), len(nearest))
        count("rouge_l", max(metrics.rouge_l(reply, tokens) for tokens in expected), 1)
        count("echo", *metrics.echoes(tokens_of(prompt), reply))
        count("length_ratio", len(reply), len(nearest))
    return {
        name: ratio(*(np.array(side, float) for side in sides))
        for name, sides in counts.items()
        # Where no reply has two tokens there are no pairs that could be echoes.
        if sum(sides[1])
    }


def ngrams(said, references) -> tuple[dict[str, Counted], list[str]]:
    """BLEU and chrF from what sacrebleu counts of each prompt, and its signatures.

    BLEU is left out where no reference is long enough for it.

    Args:
        said: the tokens of each reply, see `tokens_of`.
        references: for each prompt the replies that were expected, tokens with blanks between.

    Returns:
        By name the metrics, 0 to 1, and a signature for each.

    Source:
        Papineni et al. 2002 (BLEU), Popović 2015 (chrF), Post 2018 (sacrebleu).
    """
    most = max(map(len, references))
    columns = [[(of_one + [None] * most)[i] for of_one in references] for i in range(most)]
    kinds = {"chrf": CHRF(lowercase=True, references=columns)}
    if any(len(text.split()) >= _BLEU_TOKENS for texts in references for text in texts):
        bleu = BLEU(tokenize="zh", lowercase=True, references=columns)
        kinds = {"bleu": bleu, **kinds}
    texts = [" ".join(tokens) for tokens in said]
    found, signatures = {}, []
    for name, metric in kinds.items():
        sums = np.array(metric._extract_corpus_statistics(texts, None), float)
        found[name] = Counted(sums, _score_of(metric))
        # Full-width letters and marks are plain ones by then, which sacrebleu alone would not do.
        signatures.append(f"{name}|{metric.get_signature().format()}|text:normalized")
    return found, signatures


def _score_of(metric):
    """The metric of sums that sacrebleu has made.

    Its own resampling has intervals that leave 0 to 1, and its paired test calls no difference at
    all a significant one.
    """

    def metric_of(sums):
        scores = (metric._compute_score_from_stats(row.tolist()).score for row in sums)
        return np.array([score / 100 for score in scores])

    return metric_of
