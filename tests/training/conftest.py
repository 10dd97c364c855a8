"""A training that has ended and one that was cut."""

import shutil

import pytest


@pytest.fixture(scope="session")
def finished_dir(build_once):
    """A training that has ended; to be read, not written."""
    from helpers.truncated_training import PAIRS, make_config, train

    return build_once(
        "whole", lambda folder: train(PAIRS, folder, make_config(), [], progress=False)
    )


@pytest.fixture(scope="session")
def interrupted_dir(build_once):
    """One that was cut at update 11; to be read, not written."""
    from helpers.truncated_training import train_until

    return build_once("cut", lambda folder: train_until(folder, 11))


@pytest.fixture
def interrupted_copy(interrupted_dir, tmp_path):
    """A copy of it."""
    return shutil.copytree(interrupted_dir, tmp_path / "stopped")
