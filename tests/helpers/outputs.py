"""Computes the numbers, replies and files that a refactoring must not change.

    python tests/helpers/outputs.py OUTPUT_DIR

OUTPUT_DIR receives `outputs.npz`: one array for each named output, strings as UTF-8 bytes.
`compare_commits.py` runs this file of two commits and compares their arrays bit for bit. The names
of the outputs are therefore the same in both, whatever the names in the package are.
"""

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import tensorflow as tf

from attention_seq2seq.chat import Chat
from attention_seq2seq.config.config import Config
from attention_seq2seq.config.data import DataConfig
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.config.preprocessing import PreprocessingConfig
from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.config.training import TrainingConfig
from attention_seq2seq.data.default_corpus import load_corpus
from attention_seq2seq.data.preprocessing.manifest import PreparedDataset
from attention_seq2seq.data.preprocessing.prepare import prepare
from attention_seq2seq.data.synthetic.meals import meal_dialogues
from attention_seq2seq.serving.saved_model.export import export_saved_model
from attention_seq2seq.serving.saved_model.request import default_inputs
from attention_seq2seq.serving.tflite import export_tflite
from attention_seq2seq.training.api import train, train_prepared

# Outputs of exported models that have other names in the base commit.
BASE_KEYS = {
    "prompt_truncated_tokens": "prompt_unread",
    "log_prob": "log_probability",
    "token_log_probs": "token_log_probabilities",
    "finished": "ended",
}

PROMPTS = ["今天晚上吃什么", "早上喝什么", "你好", "", "𠀀龘 KFC 😀", "今天" * 40]
REPLIES = ["晚上吃烤鸭吧", "早上喝牛奶", "你好呀", "好", "吃KFC", "晚上吃什么"]

SHORT = {
    "epochs": 2,
    "batch_size": 32,
    "learning_rate": 0.01,
    "patience": 0,
    "compute_dtype": "float32",
}
TRAININGS = {
    "plain": Config(model=ModelConfig(units=16), training=TrainingConfig(**SHORT)),
    "everything": Config(
        data=DataConfig(max_source_length=30, max_target_length=20),
        text=TextConfig(context_turns=1, min_count=2),
        model=ModelConfig(
            units=16,
            num_layers=2,
            num_decoder_layers=1,
            share_embeddings=True,
            tie_output_projection=True,
            attention="normed_bahdanau",
            attention_layer_activation="tanh",
            initial_state="encoder",
            dropout=0.2,
            embedding_range=1.0,
        ),
        training=TrainingConfig(
            **SHORT,
            gradient_accumulation_steps=2,
            learning_rate_schedule="cosine",
            warmup_steps=5,
            clip_norm=1.0,
            label_smoothing=0.1,
            guided_alignment_weight=0.5,
            scheduled_sampling_probability=0.3,
            source_word_dropout=0.1,
            prompt_dropout=0.1,
            averaging="last",
            average_last_epochs=2,
            monitor="val_accuracy",
            restore_best_weights=False,
        ),
    ),
    "both_ways": Config(
        text=TextConfig(share_vocabulary=False, target_tokenizer="characters"),
        model=ModelConfig(units=16, cell="gru", bidirectional=True, attention="luong_monotonic"),
        training=TrainingConfig(
            **SHORT, optimizer="adam", averaging="ema", ema_decay=0.9, num_sampled=64
        ),
    ),
}

CONSTRAINTS = {
    "min_length": 2,
    "max_length": 8,
    "no_repeat_ngram_size": 2,
    "repetition_penalty": 1.5,
    "prompt_bigram_penalty": 1.0,
    "suppress_tokens": ("好",),
    "target_prefix": "吃",
    "unk_policy": "replace",
    "mmi_weight": 0.3,
    "mmi_max_tokens": 3,
    "rerank_mmi_weight": 0.2,
    "rerank_length_bonus": 0.1,
}
GROUPS = {
    "method": "beam",
    "beam_width": 6,
    "num_beam_groups": 3,
    "diversity_penalty": 1.0,
    "num_return_sequences": 3,
}
SAMPLES = {
    "method": "sample",
    "num_return_sequences": 2,
    "sampling_seed": 7,
    "top_p": 0.9,
    "temperature": 0.8,
}
SEARCHES = {
    "greedy": DecodingConfig(),
    "greedy_constrained": DecodingConfig(
        **{name: value for name, value in CONSTRAINTS.items() if "rerank" not in name}
    ),
    "beam": DecodingConfig(method="beam", num_return_sequences=5, coverage_penalty=0.2),
    "beam_constrained": DecodingConfig(**GROUPS, **CONSTRAINTS, length_penalty=0.8),
    "sample": DecodingConfig(**SAMPLES),
    "sample_constrained": DecodingConfig(**SAMPLES, **CONSTRAINTS, top_k=20),
}


def main(output_dir: str) -> None:
    """Writes the outputs of this working tree."""
    output_dir = Path(output_dir)
    output_dir.mkdir(parents=True)
    outputs = {}
    pairs = corpus_pairs()
    for name, config in TRAININGS.items():
        model_dir = output_dir / name
        train(pairs[150:], model_dir, config, pairs[:150], progress=False)
        add_training(outputs, name, model_dir)
        add_replies(outputs, name, Chat.load(model_dir))
        print(f"{name}: {len(outputs)} outputs so far", flush=True)
    add_exports(outputs, output_dir)
    add_prepared_corpus(outputs, output_dir, pairs)
    np.savez(output_dir / "outputs.npz", **outputs)


def corpus_pairs() -> list:
    """Returns meal dialogues and small talk."""
    corpus, _ = load_corpus((), False, 0.0, 1)
    return meal_dialogues().training[:400] + corpus.training[-400:]


def json_bytes(value) -> np.ndarray:
    """Returns uint8[length], the UTF-8 bytes of a value as JSON."""
    return np.frombuffer(json.dumps(value, ensure_ascii=False).encode(), np.uint8)


def add_training(outputs: dict, name: str, model_dir: Path) -> None:
    """Adds the weights, the vocabularies and the metrics of each epoch."""
    for weights in ("best", "last"):
        with np.load(model_dir / f"{weights}.npz") as archive:
            for key in archive.files:
                outputs[f"{name}/{weights}/{key}"] = archive[key]
    for path in sorted(model_dir.glob("*vocabulary*.txt")):
        outputs[f"{name}/{path.name}"] = np.frombuffer(path.read_bytes(), np.uint8)
    _, *epochs = (model_dir / "log.csv").read_text(encoding="utf-8").splitlines()
    outputs[f"{name}/epochs"] = json_bytes(epochs)


def add_replies(outputs: dict, name: str, chat: Chat) -> None:
    """Adds replies of all decoding configs, their attributions, and scores of given replies."""
    for search, decoding in SEARCHES.items():
        for prompt_index, replies in enumerate(chat.generate(PROMPTS, decoding)):
            for rank, reply in enumerate(replies):
                key = f"{name}/{search}/{prompt_index}/{rank}"
                outputs[f"{key}/reply"] = json_bytes(
                    [
                        reply.text,
                        reply.tokens,
                        reply.prompt_tokens,
                        reply.row_labels,
                        reply.finished,
                    ]
                )
                outputs[f"{key}/scores"] = np.array([reply.log_prob, reply.score])
                outputs[f"{key}/attention"] = reply.attention_weights
                if rank == 0:
                    outputs[f"{key}/contributions"] = reply.contributions
        outputs[f"{name}/{search}/scores"] = np.array(chat.score(PROMPTS, REPLIES, decoding))


def add_exports(outputs: dict, output_dir: Path) -> None:
    """Adds the outputs of exported models."""
    for name in ("plain", "everything"):
        export_dir = output_dir / f"{name}_exported"
        export_saved_model(output_dir / name, export_dir, progress=False)
        served = tf.saved_model.load(str(export_dir))
        add_served(outputs, f"{name}/saved_model", served.signatures)
    lite_dir = output_dir / "lite"
    export_tflite(output_dir / "plain", lite_dir)
    for path in sorted(lite_dir.glob("*.tflite")):
        runner = tf.lite.Interpreter(model_path=str(path)).get_signature_runner()
        source = np.zeros([1, 60], np.int32)
        source[0, :3] = [7, 9, 11]
        tensors = runner(source_ids=source, source_length=np.array([3], np.int32))
        for key, value in tensors.items():
            outputs[f"plain/{path.name}/{key}"] = value


def add_served(outputs: dict, name: str, signatures: dict) -> None:
    """Adds the outputs of an exported model's signatures."""
    prompts = tf.constant(PROMPTS)
    calls = {"default": signatures["serving_default"](prompt=prompts)}
    for search, decoding in SEARCHES.items():
        calls[search] = signatures["generate"](prompt=prompts, **option_inputs(decoding))
    calls["explained"] = signatures["attribute"](prompt=prompts, reply=tf.constant(REPLIES))
    for call, tensors in calls.items():
        for key, tensor in tensors.items():
            key = BASE_KEYS.get(key, key)
            value = tensor.numpy()
            is_text = value.dtype == object
            outputs[f"{name}/{call}/{key}"] = (
                json_bytes([row.decode() for row in value.ravel()]) if is_text else value
            )


def option_inputs(decoding: DecodingConfig) -> dict[str, tf.Tensor]:
    """Returns decoding options as inputs of an exported model."""
    inputs = default_inputs()
    for name, value in vars(decoding).items():
        value = list(value) or [""] if isinstance(value, tuple) else value
        inputs[name] = tf.constant(value, inputs[name].dtype)
    return inputs


def add_prepared_corpus(outputs: dict, output_dir: Path, pairs: list) -> None:
    """Adds the files of a prepared corpus, and the weights of a training on it."""
    corpus, folder = output_dir / "corpus.tsv", output_dir / "prepared"
    lines = [f"{pair.prompt}\t{pair.reply}\n" for pair in pairs for _ in range(2)]
    corpus.write_text("".join(lines), encoding="utf-8")
    prepare(
        folder,
        DataConfig(data=(str(corpus),), validation_fraction=0.1),
        TextConfig(vocabulary_size=500),
        PreprocessingConfig(filters=("duplicates", "echoes", "short"), min_length=1, num_workers=2),
        progress=False,
    )
    for path in sorted(folder.iterdir()):
        if path.suffix != ".json" and path.is_file():
            outputs[f"prepared/{path.name}"] = np.frombuffer(path.read_bytes(), np.uint8)
    prepared = PreparedDataset.load(folder)
    counts = [prepared.num_pairs(split) for split in ("training", "validation")]
    outputs["prepared/num_pairs"] = np.array(counts)
    plain_config = TRAININGS["plain"]
    train_prepared(
        folder,
        output_dir / "from_prepared",
        plain_config.model,
        plain_config.training,
        progress=False,
    )
    add_training(outputs, "from_prepared", output_dir / "from_prepared")


if __name__ == "__main__":
    main(*sys.argv[1:])
