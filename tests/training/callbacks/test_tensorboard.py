"""The TensorBoard callback writes curves, replies and attention images."""

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from attention_seq2seq.training.api import train
from attention_seq2seq.training.callbacks.tensorboard import TensorBoard
from helpers.short_trainings import MEALS, make_config


def test_tensorboard_has_curves_replies_and_attention(tmp_path):
    train(
        MEALS.training[:64],
        tmp_path / "model",
        make_config(epochs=1, batch_size=2),
        MEALS.validation[:9],
        progress=False,
        callbacks=[TensorBoard(tmp_path / "board")],
        sample_prompts=["今天晚上吃什么", "早上喝什么", "$吃$x_1$", "*|<b>`\ud83d"],
    )
    events = EventAccumulator(str(tmp_path / "board"), size_guidance={"tensors": 0})
    events.Reload()
    tags = set(events.Tags()["tensors"])
    assert {"loss of the epoch so far", "val_perplexity", "sample_most_common_ratio"} <= tags
    assert {"replies", "attention 1", "attention 2"} <= tags
    (text, *_) = events.Tensors("replies")[-1].tensor_proto.string_val
    assert "今天晚上吃什么" in text.decode()
    # Markup in tokens is escaped.
    assert r"| \$吃\$x\_1\$ |" in text.decode()
    assert r"| \*\|\<b\>\`" in text.decode()
    width, height, png = events.Tensors("attention 1")[-1].tensor_proto.string_val
    assert int(width) > 100
    assert int(height) > 100
    assert png.startswith(b"\x89PNG")
