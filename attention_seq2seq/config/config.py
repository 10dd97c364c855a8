"""The one place where a hyper-parameter of a model is named, typed, bounded and explained.

Four frozen dataclasses, one for each stage (that of training in `training_config.py`), and
`Config`, which holds them. Command line flags are derived from these fields, so nothing is
written twice; library code receives plain values.
"""

import dataclasses
import json
from pathlib import Path

from attention_seq2seq.config.artifacts import CONFIG_FILE
from attention_seq2seq.config.options import Options, option
from attention_seq2seq.config.training import TrainingConfig
from attention_seq2seq.utils.files import shell_quote, write_json

FORMAT = 1


@dataclasses.dataclass(frozen=True)
class DataConfig(Options):
    """Which pairs are read, and which of them are kept."""

    data: tuple = option(
        (),
        "a folder that prepare.py has written, or corpus files: TSV pairs, JSONL, .conv, the JSON "
        "of LCCC, KdConv or CrossWOZ, chatterbot YAML; plain or gzip, told apart by their content; "
        "none: the default corpus (small talk and meal talk)",
        unit="paths",
    )
    data_licence: str = option(
        "", "the licence of the corpus and where it comes from, for the card of the model"
    )
    skip_bad_lines: bool = option(
        False, "leave out lines that cannot be read, and count them, instead of stopping"
    )
    validation_fraction: float = option(
        0.05,
        "share of the conversations set aside for validation (the default corpus brings its own "
        "held-out meals instead)",
        low=0.0,
        high=0.5,
    )
    max_source_length: int = option(
        60, "longer prompts are left out of training, and cut in answering", unit="words", low=1
    )
    max_target_length: int = option(
        60, "longer replies are left out of training; no reply grows longer", unit="words", low=1
    )


SEGMENTATIONS = ("jieba", "characters", "blanks")


@dataclasses.dataclass(frozen=True)
class TextConfig(Options):
    """How a string becomes words and words become ids."""

    source_segmentation: str = option(
        "jieba",
        "how prompts are cut: jieba words, single characters, or at blanks (already segmented)",
        choices=SEGMENTATIONS,
    )
    target_segmentation: str = option(
        "jieba", "how replies are cut; see source_segmentation", choices=SEGMENTATIONS
    )
    jieba_hmm: bool = option(True, "let jieba guess words that its dictionary lacks")
    user_dictionary: str = option(
        "", "a jieba user dictionary: one word a line, then optionally its count", unit="path"
    )
    lower_case: bool = option(True, "turn A-Z into a-z")
    context_turns: int = option(
        0,
        "earlier turns of a conversation that stand before each prompt; a prompt is then its "
        "turns, a line each",
        unit="turns",
        low=0,
        high=100,
    )
    shared_vocabulary: bool = option(True, "one vocabulary for prompts and replies, or one each")
    vocabulary_size: int = option(
        30000, "the most frequent words kept, the five special ones included", unit="words", low=6
    )
    min_count: int = option(
        1, "words seen less often than this are unknown", unit="occurrences", low=1
    )


ATTENTIONS = (
    *("luong", "scaled_luong", "bahdanau", "normed_bahdanau"),
    *("luong_monotonic", "bahdanau_monotonic", "none"),
)


@dataclasses.dataclass(frozen=True)
class ModelConfig(Options):
    """The model; the defaults are the document's.

    Raises:
        ValueError: for a combination that cannot work, with the reason.
    """

    units: int = option(
        256,
        "the one width: of the embeddings, the cells, the attention and the attention vector",
        unit="units",
        low=1,
        high=16384,
    )
    cell: str = option(
        "lstm", "what reads and answers: lstm (the document) or gru", choices=("lstm", "gru")
    )
    layers: int = option(
        1, "cells one above the other, in the encoder and in the decoder", unit="layers", low=1
    )
    decoder_layers: int = option(
        0,
        "cells in the decoder alone, if fewer: what is to be understood is in the prompt, and a "
        "layer less saves time at each word said (Kasai et al. 2021); 0: layers",
        unit="layers",
        low=0,
    )
    bidirectional: bool = option(
        False,
        "read prompts both ways, with half of the units each; a word's output then knows what "
        "comes after it",
    )
    shared_embedding: bool = option(
        False, "one embedding for prompts and replies; needs shared_vocabulary"
    )
    tied_projection: bool = option(
        False, "project to the vocabulary with the replies' embedding, transposed"
    )
    attention: str = option(
        "luong",
        "luong (the document), scaled_luong (scores times a learned scale), bahdanau or "
        "normed_bahdanau (additive scores), luong_monotonic or bahdanau_monotonic (from left to "
        "right, never back), or none (plain seq2seq, part one of the series)",
        choices=ATTENTIONS,
    )
    attention_vector: str = option(
        "linear",
        "activation of the attention vector: linear (the document) or tanh (Luong et al., eq. 5)",
        choices=("linear", "tanh"),
    )
    initial_state: str = option(
        "auto",
        "where the decoder starts: zero (the document), the encoder's final state, or auto: zero "
        "with attention, encoder without",
        choices=("auto", "zero", "encoder"),
    )
    dropout: float = option(
        0.0,
        "share of the embeddings, of what each layer hands to the next, and of the attention "
        "vectors before the projection, dropped in training",
        low=0.0,
        high=0.9,
    )
    embedding_range: float = option(
        0.05,
        "the first values of embeddings are drawn evenly from minus this to this; with a wide "
        "range an encoder output depends mostly on its own word, and attention learns to look at "
        "that word instead of a later place that remembers it",
        low=1e-4,
        high=100.0,
    )
    embedding_dropout: bool = option(
        True,
        "drop a share of the embeddings too; where words are few, as letters are, a model learns "
        "better without, and faster",
    )

    def __post_init__(self):
        super().__post_init__()
        if self.attention == "none" and self.initial_state == "zero":
            raise ValueError(
                "attention is 'none' and initial_state is 'zero': the decoder would never see the "
                "prompt. Use initial_state 'encoder', or an attention."
            )
        if self.attention == "none" and self.attention_vector == "tanh":
            raise ValueError(
                "attention is 'none' and attention_vector is 'tanh': without attention there is "
                "no attention vector. Leave attention_vector at 'linear', or use an attention."
            )
        if self.decoder_layers > self.layers:
            raise ValueError(
                f"decoder_layers is {self.decoder_layers}, and layers is {self.layers}: the "
                "decoder starts from the encoder's last layers, so it cannot have more. Use at "
                f"most {self.layers}."
            )
        if self.bidirectional and self.units % 2:
            raise ValueError(
                f"bidirectional, and units is {self.units}: each way has half of the units. "
                "Use an even number."
            )

    @property
    def num_decoder_layers(self) -> int:
        """Cells of the decoder, one above the other."""
        return self.decoder_layers or self.layers

    @property
    def starts_from_encoder(self) -> bool:
        """Whether the decoder's cells start from the encoder's final state."""
        if self.initial_state == "auto":
            return self.attention == "none"
        return self.initial_state == "encoder"


@dataclasses.dataclass(frozen=True)
class Config:
    """Everything there is to set, one frozen object; saved as `config.json` in a model folder.

    Example:
        >>> Config(model=ModelConfig(units=8)).model.attention
        'luong'
    """

    data: DataConfig = DataConfig()
    text: TextConfig = TextConfig()
    model: ModelConfig = ModelConfig()
    training: TrainingConfig = dataclasses.field(default_factory=TrainingConfig)

    def __post_init__(self):
        for field in dataclasses.fields(self):
            group = getattr(self, field.name)
            if not isinstance(group, field.type):
                raise TypeError(
                    f"{field.name} is {group!r}; expected a {field.type.__name__}, as in "
                    f"Config({field.name}={field.type.__name__}())."
                )
        if self.model.shared_embedding and not self.text.shared_vocabulary:
            raise ValueError(
                "shared_embedding, but each side has a vocabulary of its own: an embedding can "
                "only be shared with a shared_vocabulary."
            )
        if self.training.attention_guidance and self.model.attention == "none":
            raise ValueError(
                "attention_guidance, but attention is 'none': there is nothing to guide. Use an "
                "attention, or leave attention_guidance at 0."
            )

    def save(self, model_dir: str | Path) -> None:
        """Writes `config.json` into `model_dir`, as a whole or not at all."""
        write_json(Path(model_dir) / CONFIG_FILE, {"format": FORMAT, **dataclasses.asdict(self)})

    @classmethod
    def load(cls, model_dir: str | Path) -> "Config":
        """Reads `config.json` from a model folder.

        Raises:
            FileNotFoundError: there is no such folder, or no model in it.
            ValueError: the file is damaged or of another version.
        """
        path = Path(model_dir) / CONFIG_FILE
        if not path.is_file():
            raise FileNotFoundError(
                f"{model_dir}: no trained model here ({CONFIG_FILE} is missing). Train one with "
                f"python experiments/train.py --model_dir={shell_quote(model_dir)}"
            )
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            version = content.pop("format")
        except (ValueError, AttributeError, KeyError, TypeError) as error:
            raise ValueError(
                f"{path}: not a readable configuration ({error}). Train the model again."
            ) from None
        if version != FORMAT:
            raise ValueError(
                f"{path}: written in format {version}, this version reads format {FORMAT}. "
                "Train the model again, or use the version that wrote it."
            )
        try:
            groups = {field.name: field.type for field in dataclasses.fields(cls)}
            return cls(**{name: groups[name](**values) for name, values in content.items()})
        except (KeyError, TypeError) as error:
            raise ValueError(
                f"{path}: an option of it is unknown here ({error}). It was written by another "
                "version; train the model again."
            ) from None
