"""A training that has ended and one that was cut."""

import shutil

import pytest


@pytest.fixture(scope="session")
def whole_dir(once):
    """A training that has ended; to be read, not written."""
    from helpers.truncated_training import PAIRS, make_config, train

    return once("whole", lambda folder: train(PAIRS, folder, make_config(), [], progress=False))


@pytest.fixture(scope="session")
def cut_dir(once):
    """One that was cut at update 11; to be read, not written."""
    from helpers.truncated_training import train_until

    return once("cut", lambda folder: train_until(folder, 11))


@pytest.fixture
def stopped(cut_dir, tmp_path):
    """A copy of it."""
    return shutil.copytree(cut_dir, tmp_path / "stopped")
