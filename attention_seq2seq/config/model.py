"""Options of the model."""

import dataclasses

from attention_seq2seq.config.options import Options, option

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
    num_layers: int = option(
        1, "cells one above the other, in the encoder and in the decoder", unit="layers", low=1
    )
    num_decoder_layers: int = option(
        0,
        "cells in the decoder alone, if fewer: what is to be understood is in the prompt, and a "
        "layer less saves time at each word said (Kasai et al. 2021); 0: num_layers",
        unit="layers",
        low=0,
    )
    bidirectional: bool = option(
        False,
        "read prompts both ways, with half of the units each; a word's output then knows what "
        "comes after it",
    )
    share_embeddings: bool = option(
        False, "one embedding for prompts and replies; needs share_vocabulary"
    )
    tie_output_projection: bool = option(
        False, "project to the vocabulary with the replies' embedding, transposed"
    )
    attention: str = option(
        "luong",
        "luong (the document), scaled_luong (scores times a learned scale), bahdanau or "
        "normed_bahdanau (additive scores), luong_monotonic or bahdanau_monotonic (from left to "
        "right, never back), or none (plain seq2seq, part one of the series)",
        choices=ATTENTIONS,
    )
    attention_layer_activation: str = option(
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
        if self.attention == "none" and self.attention_layer_activation == "tanh":
            raise ValueError(
                "attention is 'none' and attention_layer_activation is 'tanh': without attention "
                "there is no attention layer. Use an attention, or attention_layer_activation "
                "'linear'."
            )
        if self.num_decoder_layers > self.num_layers:
            raise ValueError(
                f"num_decoder_layers is {self.num_decoder_layers} and num_layers is "
                f"{self.num_layers}: the decoder starts from the encoder's last layers, so it "
                f"cannot have more. Use at most {self.num_layers}."
            )
        if self.bidirectional and self.units % 2:
            raise ValueError(
                f"bidirectional, and units is {self.units}: each way has half of the units. "
                "Use an even number."
            )

    @property
    def decoder_depth(self) -> int:
        """Cells of the decoder, one above the other."""
        return self.num_decoder_layers or self.num_layers

    @property
    def starts_from_encoder(self) -> bool:
        """Whether the decoder's cells start from the encoder's final state."""
        if self.initial_state == "auto":
            return self.attention == "none"
        return self.initial_state == "encoder"
