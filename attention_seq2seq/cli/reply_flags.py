"""Flags of the commands that generate replies: models and decoding options."""

import logging
from collections.abc import Sequence

from absl import flags

from attention_seq2seq.cli.flags import define_option_flags, define_paths, options_from_flags
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.utils.native_output import import_tensorflow

# A flag belongs to the module that calls the functions of this module.
flags.disclaim_key_flags()

log = logging.getLogger(__name__)


def define_reply_flags(flag_values: flags.FlagValues) -> None:
    """Defines the flags of a command that generates replies: models and decoding options."""
    define_paths(
        "model_dir",
        None,
        "directory of a model; several, separated by commas, form an ensemble",
        flag_values=flag_values,
    )
    define_option_flags(DecodingConfig, flag_values)


def decoding_from_flags(args: flags.FlagValues) -> DecodingConfig:
    """Builds a `DecodingConfig` from flags, and warns about flags without effect."""
    decoding = options_from_flags(DecodingConfig, args)
    for name in decoding.ignored_options:
        if args[name].present:
            log.warning("--%s has no effect with --method=%s.", name, decoding.method)
    return decoding


def load_chat(model_dirs: Sequence[str], decoding: DecodingConfig):
    """Loads a model or an ensemble, and warns if it was not trained for the decoding options."""
    import_tensorflow()
    from attention_seq2seq.chat import Chat

    chat = Chat.load(*model_dirs)
    for name in ("mmi_weight", "rerank_mmi_weight"):
        if getattr(decoding, name) and not chat.config.training.prompt_dropout:
            log.warning(
                "--%s needs a model trained with --prompt_dropout, and %s was trained without it.",
                name,
                model_dirs[0],
            )
    return chat
