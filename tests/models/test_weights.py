import numpy as np
import pytest

from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.models.weights import load_weights, save_weights
from helpers.small_models import CONFIGURATIONS, config_id, random_model, to_arrays


@pytest.mark.parametrize("config", CONFIGURATIONS, ids=config_id)
def test_round_trip(config, tmp_path):
    model, loaded_model = random_model(config, seed=1), random_model(config, seed=2)
    save_weights(model, tmp_path / "weights.npz")
    load_weights(loaded_model, tmp_path / "weights.npz")
    expected, loaded = to_arrays(model), to_arrays(loaded_model)
    assert expected.keys() == loaded.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(array, loaded[name])
    assert [path.name for path in tmp_path.iterdir()] == ["weights.npz"]


def test_damaged_files_raise_and_change_no_weights(tmp_path):
    model = random_model(CONFIGURATIONS[0])
    old = to_arrays(model)
    path = tmp_path / "weights.npz"
    save_weights(model, path)
    content = path.read_bytes()
    flipped = bytearray(content)
    flipped[len(content) // 2] ^= 0xFF
    for damaged in (
        content[:-100],
        content[: len(content) // 2],
        b"",
        b"no archive",
        bytes(flipped),
    ):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"weights\.npz: damaged"):
            load_weights(model, path)
    for name, array in to_arrays(model).items():
        np.testing.assert_array_equal(array, old[name])


def test_weights_of_another_shape_raise(tmp_path):
    path = tmp_path / "weights.npz"
    save_weights(random_model(ModelConfig(units=4)), path)
    with pytest.raises(ValueError, match=r"kernel has shape \(8, 4\), expected \(6, 3\)"):
        load_weights(random_model(ModelConfig(units=3)), path)
    save_weights(random_model(ModelConfig(units=3, attention="none")), path)
    with pytest.raises(ValueError, match="decoder/attention_layer/kernel has shape None"):
        load_weights(random_model(ModelConfig(units=3)), path)


def test_a_failed_write_keeps_the_old_weights(tmp_path, monkeypatch):
    model, path = random_model(CONFIGURATIONS[0]), tmp_path / "weights.npz"
    save_weights(model, path)
    old = path.read_bytes()

    def full_disk(file, **arrays):
        file.write(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(np, "savez", full_disk)
    with pytest.raises(OSError, match="No space left"):
        save_weights(model, path)
    assert path.read_bytes() == old
