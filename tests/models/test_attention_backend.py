"""The attention layers of this package equal those of TensorFlow Addons."""

import numpy as np
import pytest
import tensorflow as tf

from attention_seq2seq import seq2seq
from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.models.attention import mechanisms, rnn
from helpers.reference_models import requires_tfa
from helpers.small_models import make_objective, mean_loss, random_batch, random_model
from helpers.tfa_outputs import ATTENTION

pytestmark = requires_tfa


@pytest.fixture
def use_package_layers(monkeypatch):
    """Returns a function that makes new models use the layers of this package."""

    def replace():
        for module in (mechanisms, rnn):
            monkeypatch.setattr(module, "seq2seq", seq2seq)

    return replace


def run_model(config, batch):
    """Returns the logits, the gradients, and the outputs of four single steps."""
    model = random_model(config)
    objective = make_objective(model)
    with tf.GradientTape() as tape:
        loss = mean_loss(objective, batch)
    gradients = tape.gradient(loss, model.named_weights())
    outputs = {f"gradient of {name}": tf.convert_to_tensor(g) for name, g in gradients.items()}
    outputs["logits"] = objective.logits(batch)
    memory, state = model.initial_state(batch["source_ids"], batch["source_length"])
    for index in range(4):
        logits, weights, state = model.step(batch["target_ids"][:, index], memory, state)
        outputs |= {f"logits of step {index}": logits, f"weights of step {index}": weights}
    return type(model.decoder.rnn.wrapper), outputs


@pytest.mark.parametrize("attention", ATTENTION)
def test_logits_gradients_and_steps_equal_those_of_tensorflow_addons(attention, use_package_layers):
    config = ModelConfig(units=4, num_layers=2, attention=attention)
    batch = random_batch(3, 6, 5)
    assert len(set(batch["source_length"].numpy())) > 1
    wrapper, expected = run_model(config, batch)
    assert wrapper.__module__.startswith("tensorflow_addons")
    use_package_layers()
    wrapper, outputs = run_model(config, batch)
    assert wrapper.__module__.startswith("attention_seq2seq.seq2seq")
    assert outputs.keys() == expected.keys()
    difference = np.max([np.max(np.abs(outputs[name] - expected[name])) for name in outputs])
    print(f"{attention}: largest difference {difference}")
    assert difference <= 1e-7
