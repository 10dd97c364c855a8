"""Flags without effect, and models that do not fit the flags, are reported."""

import json
import logging

import pytest
from absl import flags

from attention_seq2seq.cli.corpora import is_trained_on_default_corpus
from attention_seq2seq.cli.evaluate import require_default_corpus
from attention_seq2seq.cli.reply_flags import decoding_from_flags, define_reply_flags, load_chat
from attention_seq2seq.config.config import Config
from attention_seq2seq.config.decoding import DecodingConfig

# From the provenance.json of a model that was trained on the default corpus.
DEFAULT_CORPUS_HASH = "c29acf90964621e0fac81e5e4a3a0317b8126b640bc686959feeb59b7e079e34"


def warnings(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


@pytest.mark.parametrize(
    ("method", "ignored"),
    [
        ("greedy", ["--beam_width", "--temperature"]),
        ("beam", ["--temperature"]),
        ("sample", ["--beam_width"]),
    ],
)
def test_flags_without_effect_are_reported(caplog, method, ignored):
    values = flags.FlagValues()
    define_reply_flags(values)
    values(["chat", f"--method={method}", "--temperature=1", "--beam_width=5", "--min_length=1"])
    assert decoding_from_flags(values) == DecodingConfig(method=method, min_length=1)
    assert warnings(caplog) == [f"{flag} has no effect with --method={method}." for flag in ignored]


def test_mmi_needs_a_model_with_prompt_dropout(caplog, meals_dir):
    load_chat([str(meals_dir)], DecodingConfig())
    assert not warnings(caplog)
    load_chat([str(meals_dir)], DecodingConfig(mmi_weight=1.0))
    assert warnings(caplog) == [
        f"--mmi_weight needs a model trained with --prompt_dropout, and {meals_dir} was trained "
        "without it."
    ]


def test_models_of_other_corpora_need_data(meals_dir, tmp_path):
    with pytest.raises(ValueError, match="not trained on the default corpus, so --data is"):
        require_default_corpus([str(meals_dir)])
    Config().save(tmp_path)
    assert not is_trained_on_default_corpus(str(tmp_path))
    content = {"sha256_of_training_pairs": DEFAULT_CORPUS_HASH}
    (tmp_path / "provenance.json").write_text(json.dumps(content))
    assert is_trained_on_default_corpus(str(tmp_path))
