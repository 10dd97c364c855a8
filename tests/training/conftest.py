"""Fixtures: a finished training and an interrupted one."""

import shutil

import pytest


@pytest.fixture(scope="session")
def finished_dir(build_once):
    """Folder of a finished training. Read-only."""
    from helpers.truncated_training import PAIRS, make_config, train

    return build_once(
        "finished", lambda folder: train(PAIRS, folder, make_config(), [], progress=False)
    )


@pytest.fixture(scope="session")
def interrupted_dir(build_once):
    """Folder of a training that was interrupted at step 11. Read-only."""
    from helpers.truncated_training import train_until

    return build_once("interrupted", lambda folder: train_until(folder, 11))


@pytest.fixture
def interrupted_copy(interrupted_dir, tmp_path):
    """A writable copy of `interrupted_dir`."""
    return shutil.copytree(interrupted_dir, tmp_path / "interrupted")
