"""Command-line scripts, studies and benchmarks.

Studies and benchmarks run as modules, for example `python -m experiments.studies.reversal`. Their
shared modules are those of the scripts, which `python experiments/train.py` finds in this
directory.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
