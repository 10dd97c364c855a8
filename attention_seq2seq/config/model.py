"""Options of the model."""

import dataclasses

from attention_seq2seq.config.options import ConfigBase, option

ATTENTIONS = (
    "luong",
    "scaled_luong",
    "bahdanau",
    "normed_bahdanau",
    "luong_monotonic",
    "bahdanau_monotonic",
    "none",
)


@dataclasses.dataclass(frozen=True)
class ModelConfig(ConfigBase):
    """Architecture of the model.

    The defaults are those of the article, part three of a Chinese series of articles on a seq2seq
    chat model in TensorFlow 1.

    Raises:
        ValueError: two options contradict each other.
    """

    units: int = option(
        256,
        "size of the embeddings, the recurrent state, the attention and the attention vector",
        unit="units",
        low=1,
        high=16384,
    )
    cell: str = option(
        "lstm", "recurrent cell: lstm (as in the article) or gru", choices=("lstm", "gru")
    )
    num_layers: int = option(
        1, "number of recurrent layers in the encoder and in the decoder", low=1
    )
    num_decoder_layers: int = option(
        0,
        "number of recurrent layers in the decoder, at most num_layers; 0: the same as "
        "num_layers; a shallow decoder is faster (Kasai et al. 2021)",
        low=0,
    )
    bidirectional: bool = option(
        False,
        "whether the encoder is bidirectional, with half of the units in each direction",
    )
    share_embeddings: bool = option(
        False, "whether encoder and decoder share one embedding; requires share_vocabulary"
    )
    tie_output_projection: bool = option(
        False, "whether the output projection is the transposed decoder embedding"
    )
    attention: str = option(
        "luong",
        "attention mechanism: luong (as in the article), scaled_luong, bahdanau, "
        "normed_bahdanau, luong_monotonic, bahdanau_monotonic (left to right), or none (a "
        "plain seq2seq model)",
        choices=ATTENTIONS,
    )
    attention_layer_activation: str = option(
        "linear",
        "activation of the attention vector: linear (as in the article) or tanh (Luong et "
        "al. 2015, eq. 5)",
        choices=("linear", "tanh"),
    )
    initial_state: str = option(
        "auto",
        "initial state of the decoder: zero (as in the article), encoder (the encoder's "
        "final state), or auto: zero with attention, encoder without",
        choices=("auto", "zero", "encoder"),
    )
    dropout: float = option(
        0.0,
        "dropout rate of the embeddings, the layer inputs and the attention vectors",
        low=0.0,
        high=0.9,
    )
    embedding_range: float = option(
        0.05,
        "bound r of the uniform distribution in [-r, r] that initializes the embeddings; with a "
        "large r, attention points to the tokens that a reply was copied from",
        low=1e-4,
        high=100.0,
    )
    dropout_on_embeddings: bool = option(
        True,
        "whether to apply dropout to the embeddings; small vocabularies, such as letters, train "
        "better without it",
    )

    def __post_init__(self):
        super().__post_init__()
        if self.attention == "none" and self.initial_state == "zero":
            raise ValueError(
                "attention is 'none' and initial_state is 'zero': the decoder would never see the "
                "prompt. Set initial_state to 'encoder', or choose another attention."
            )
        if self.attention == "none" and self.attention_layer_activation == "tanh":
            raise ValueError(
                "attention is 'none' and attention_layer_activation is 'tanh': without attention "
                "there is no attention layer. Choose another attention, or set "
                "attention_layer_activation to 'linear'."
            )
        if self.num_decoder_layers > self.num_layers:
            raise ValueError(
                f"num_decoder_layers is {self.num_decoder_layers} and num_layers is "
                f"{self.num_layers}: the decoder starts from the encoder's last layers, so it "
                f"cannot have more. Use at most {self.num_layers}."
            )
        if self.bidirectional and self.units % 2:
            raise ValueError(
                f"bidirectional is true and units is {self.units}: each direction has half of the "
                "units. Use an even number of units."
            )

    @property
    def decoder_depth(self) -> int:
        """Number of recurrent layers in the decoder."""
        return self.num_decoder_layers or self.num_layers

    @property
    def starts_from_encoder(self) -> bool:
        """Whether the initial state of the decoder is the encoder's final state."""
        if self.initial_state == "auto":
            return self.attention == "none"
        return self.initial_state == "encoder"
