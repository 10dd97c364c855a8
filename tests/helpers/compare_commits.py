"""Compares weights, replies, scores, exports and prepared corpora of two commits.

    python tests/helpers/compare_commits.py BASE_COMMIT

BASE_COMMIT is checked out into a temporary git worktree. `outputs.py` of that commit and of this
working tree are run one after the other on this machine, and all arrays are compared bit for bit.
The exit status is 1 if any differ.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]


def main(base_commit: str) -> int:
    """Prints each difference, and returns the exit status."""
    with tempfile.TemporaryDirectory() as temporary:
        worktree = Path(temporary) / "base"
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--detach", str(worktree), base_commit], check=True)
        try:
            base = run_outputs(worktree, Path(temporary) / "base_outputs")
            candidate = run_outputs(ROOT, Path(temporary) / "candidate_outputs")
        finally:
            subprocess.run([*git, "remove", "--force", str(worktree)], check=True)
    differences = list_differences(base, candidate)
    print(*differences, sep="\n")
    print(f"{len(base)} outputs of {base_commit} compared: {len(differences)} differ")
    return int(bool(differences))


def run_outputs(tree: Path, output_dir: Path) -> dict[str, np.ndarray]:
    """Runs `outputs.py` of a working tree and returns its arrays."""
    print(f"Running {tree / 'tests/helpers/outputs.py'}", flush=True)
    subprocess.run(
        [sys.executable, str(tree / "tests/helpers/outputs.py"), str(output_dir)],
        check=True,
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree)},
    )
    with np.load(output_dir / "outputs.npz") as archive:
        return dict(archive)


def list_differences(base: dict, candidate: dict) -> list[str]:
    """Returns a line for each output that is missing, new, or not equal bit for bit."""
    lines = [f"only in the base: {name}" for name in sorted(base.keys() - candidate.keys())]
    lines += [f"only in this tree: {name}" for name in sorted(candidate.keys() - base.keys())]
    for name in sorted(base.keys() & candidate.keys()):
        old, new = base[name], candidate[name]
        is_same = old.dtype == new.dtype and old.shape == new.shape
        if not is_same or old.tobytes() != new.tobytes():
            lines.append(f"differs: {name}, {old.dtype}{old.shape} and {new.dtype}{new.shape}")
    return lines


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
