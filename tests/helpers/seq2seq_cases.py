"""Cases in which the drop-in for `tfa.seq2seq` is compared with TensorFlow Addons."""

from dataclasses import dataclass, field
from typing import Any

MECHANISMS: dict[str, tuple[str, dict[str, Any]]] = {
    "luong": ("LuongAttention", {}),
    "scaled_luong": ("LuongAttention", {"scale": True}),
    "hardmax_luong": ("LuongAttention", {"probability_fn": "hardmax"}),
    "bahdanau": ("BahdanauAttention", {}),
    "normed_bahdanau": ("BahdanauAttention", {"normalize": True}),
    "hardmax_bahdanau": ("BahdanauAttention", {"probability_fn": "hardmax"}),
    "luong_monotonic": ("LuongMonotonicAttention", {"scale": True, "score_bias_init": -0.5}),
    "luong_monotonic_recursive": ("LuongMonotonicAttention", {"mode": "recursive"}),
    "luong_monotonic_hard": ("LuongMonotonicAttention", {"mode": "hard"}),
    "luong_monotonic_noise": (
        "LuongMonotonicAttention",
        {"sigmoid_noise": 1.0, "sigmoid_noise_seed": 3},
    ),
    "bahdanau_monotonic": ("BahdanauMonotonicAttention", {}),
    "normed_bahdanau_monotonic": ("BahdanauMonotonicAttention", {"normalize": True}),
    "bahdanau_monotonic_hard": ("BahdanauMonotonicAttention", {"mode": "hard"}),
}


@dataclass(frozen=True)
class Case:
    """A model and what it decodes.

    Attributes:
        mechanism: key of `MECHANISMS`; two keys with a comma for two mechanisms.
        cell: "lstm", "gru" or "stacked".
        decoding: key of `DECODINGS`.
        dtype: dtype of all layers.
        lengths: whether memory and targets have padding.
        wrapper: arguments of `AttentionWrapper`; values named "@..." are functions
            of `seq2seq_model`.
        decoder: arguments of the decoder.
        sampler: arguments of the sampler.
    """

    mechanism: str = "luong"
    cell: str = "lstm"
    decoding: str = "training"
    dtype: str = "float32"
    lengths: bool = True
    wrapper: dict = field(default_factory=dict)
    decoder: dict = field(default_factory=dict)
    sampler: dict = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of the case, from the values that differ from the default."""
        default = Case()
        parts = []
        for name, value in vars(self).items():
            if isinstance(value, dict):
                parts += [f"{key}={entry}" for key, entry in value.items()]
            elif value != getattr(default, name):
                parts.append(f"{name}={value}")
        return "-".join(parts) or "default"


def make_cases() -> list[Case]:
    """Returns all cases."""
    # In a graph, steps that run in parallel would race for random numbers.
    random = {"parallel_iterations": 1}
    mechanisms = [
        Case(mechanism=name, decoder=random if name.endswith("_noise") else {})
        for name in MECHANISMS
    ]
    float64 = [
        Case(mechanism=name, cell=cell, dtype="float64")
        for name, cell in [
            *(("luong", "lstm"), ("scaled_luong", "gru"), ("bahdanau", "stacked")),
            *(("normed_bahdanau", "lstm"), ("luong_monotonic", "stacked")),
            ("bahdanau_monotonic", "gru"),
        ]
    ]
    cells = [
        Case(mechanism=name, cell=cell)
        for name, cell in [
            *(("luong", "gru"), ("luong", "stacked"), ("normed_bahdanau", "gru")),
            *(("bahdanau", "stacked"), ("luong_monotonic", "gru"), ("scaled_luong", "stacked")),
        ]
    ]
    wrappers = [
        Case(wrapper={"attention_layer_size": None}),
        Case(mechanism="bahdanau", wrapper={"output_attention": False}),
        Case(wrapper={"attention_layer_size": None, "attention_layer": "@tanh_layer"}),
        Case(mechanism="luong,bahdanau", wrapper={"attention_layer_size": [3, 2]}),
        Case(mechanism="luong,luong_monotonic", wrapper={"attention_layer_size": None}),
        Case(wrapper={"cell_input_fn": "@add_attention"}),
        Case(mechanism="bahdanau", wrapper={"attention_fn": "@double_attention"}),
        Case(wrapper={"initial_cell_state": "@initial_cell_state"}),
        Case(cell="stacked", wrapper={"initial_cell_state": "@initial_cell_state"}),
    ]
    decoders = [
        Case(lengths=False),
        Case(mechanism="bahdanau", decoder={"impute_finished": True}),
        Case(decoder={"maximum_iterations": 2}),
        Case(decoder={"output_time_major": True}, sampler={"time_major": True}),
        Case(decoding="training_mask", cell="gru"),
    ]
    samplers = [
        Case(decoding="greedy"),
        Case(decoding="greedy", mechanism="normed_bahdanau", cell="stacked", dtype="float64"),
        Case(decoding="greedy", decoder={"impute_finished": True}, cell="gru"),
        Case(decoding="sample", sampler={"softmax_temperature": 0.7, "seed": 5}, decoder=random),
        Case(decoding="inference"),
        Case(decoding="inference", sampler={"next_inputs_fn": "@tanh"}),
        Case(decoding="custom"),
        Case(
            decoding="scheduled_embedding",
            sampler={"sampling_probability": 0.5, "seed": 5, "scheduling_seed": 6},
            decoder=random,
        ),
        Case(
            decoding="scheduled_output",
            sampler={"sampling_probability": 0.5, "seed": 5},
            decoder=random,
        ),
        Case(
            decoding="scheduled_output",
            sampler={"sampling_probability": 0.5, "seed": 5, "next_inputs_fn": "@tanh"},
            decoder=random,
        ),
        Case(decoding="scheduled_output_auxiliary", sampler={"sampling_probability": 1.0}),
    ]
    beams = [
        Case(decoding="beam", decoder={"beam_width": 1}),
        Case(decoding="beam", decoder={"beam_width": 3}),
        Case(decoding="beam", mechanism="bahdanau", cell="gru", decoder={"beam_width": 4}),
        Case(decoding="beam", mechanism="luong_monotonic", decoder={"beam_width": 3}),
        Case(decoding="beam", cell="stacked", dtype="float64", decoder={"beam_width": 3}),
        Case(decoding="beam", decoder={"beam_width": 3, "length_penalty_weight": 1.0}),
        Case(
            decoding="beam",
            mechanism="normed_bahdanau",
            cell="stacked",
            decoder={"beam_width": 3, "length_penalty_weight": 0.6},
        ),
        Case(decoding="beam", decoder={"beam_width": 3, "coverage_penalty_weight": 0.2}),
        Case(
            decoding="beam",
            mechanism="luong,bahdanau",
            wrapper={"attention_layer_size": [3, 2]},
            decoder={
                "beam_width": 3,
                "length_penalty_weight": 0.8,
                "coverage_penalty_weight": 0.4,
            },
        ),
        Case(decoding="beam", decoder={"beam_width": 2, "output_all_scores": True}),
        Case(decoding="beam", decoder={"beam_width": 2, "output_time_major": True}),
        Case(decoding="beam", decoder={"beam_width": 2, "reorder_tensor_arrays": False}),
        Case(decoding="beam", decoder={"beam_width": 3}, lengths=False),
        Case(
            decoding="beam",
            cell="gru",
            mechanism="bahdanau",
            dtype="float64",
            wrapper={"output_attention": False},
            decoder={"beam_width": 3, "length_penalty_weight": 1.2},
        ),
        Case(
            decoding="beam",
            cell="stacked",
            decoder={"beam_width": 3, "coverage_penalty_weight": 0.5},
        ),
    ]
    cases = mechanisms + cells + float64 + wrappers + decoders + samplers + beams
    assert len({case.name for case in cases}) == len(cases)
    return cases
