r"""Runs `evaluate`, and writes the metrics to a results file.

    python -m experiments.studies.evaluate_models --model_dir=models/demo \
        --results_json=experiments/results/default_corpus.json
    python -m experiments.studies.evaluate_models --model_dir=models/g2p \
        --further_seed=models/g2p_2 --further_seed=models/g2p_3 --data=cmudict_dev.tsv --method=beam

Accepts the flags of `attention-seq2seq evaluate --help`, except --json. With --further_seed, all
models are evaluated, and the mean and the range of each metric are printed. Rows are identified by
the names of the model directories and by the decoding method.
"""

import json
import tempfile
from pathlib import Path

from absl import flags

import console
from attention_seq2seq.cli import evaluate
from experiments.result_files import define_results_flag, update_results
from experiments.studies.seed_statistics import mean_row

evaluate.define_flags(flags.FLAGS)
flags.mark_flags_as_required(evaluate.REQUIRED_FLAGS)
FURTHER_SEEDS = flags.DEFINE_multi_string(
    "further_seed", [], "directory of the model of another seed; repeatable [path]"
)
RESULTS_JSON = define_results_flag()


def main(_) -> None:
    """Evaluates the models, and writes a row for each model and one for their means."""
    args, rows = flags.FLAGS, []
    if args.json:
        raise ValueError("--json is a flag of `evaluate`. Run that command.")
    if args.baseline and FURTHER_SEEDS.value:
        raise ValueError("--baseline compares one model. Omit --further_seed.")
    if FURTHER_SEEDS.value and not args.data:
        raise ValueError("--further_seed needs test pairs. Set --data.")
    for model_dirs in (args.model_dir, *([path] for path in FURTHER_SEEDS.value)):
        rows += evaluate_model(args, model_dirs)
    if FURTHER_SEEDS.value:
        rows.append(mean_row(rows))
        print(f"\nmean and range of {len(rows) - 1} models")
        for name, estimate in rows[-1].items():
            if isinstance(estimate, dict):
                value, low, high = (f"{limit:.4f}" for limit in estimate.values())
                print(f"{name:34}{value:>9}  ({low} to {high})")
    update_results(RESULTS_JSON.value, rows, key=("table", "model", "baseline", "method", "part"))


def evaluate_model(args: flags.FlagValues, model_dirs: list[str]) -> list[dict]:
    """Evaluates a model or an ensemble.

    Returns:
        A row with all metrics, and one with p-values if there is a baseline. For the default
        corpus, a row for each of its parts instead.
    """
    with tempfile.TemporaryDirectory() as directory:
        args.model_dir, args.json = model_dirs, f"{directory}/evaluation.json"
        evaluate.run(args)
        content = json.loads(Path(args.json).read_text("utf-8"))
    row = {"table": "evaluation", "model": directory_names(model_dirs), "method": args.method}
    if "default_corpus" in content:
        return [row | part for part in content["default_corpus"]]
    metrics = next(iter(content["models"].values()))["metrics"]
    error_rate = {
        name: None if metrics["exact_match"][limit] is None else 1 - metrics["exact_match"][limit]
        for name, limit in (("value", "value"), ("low", "high"), ("high", "low"))
    }
    rows = [row | {"prompts": len(content["prompts"]), "error_rate": error_rate} | metrics]
    if args.baseline:
        row |= {"table": "comparison", "baseline": directory_names(args.baseline)}
        rows.append(row | {"p_values": content["p_values"]})
    return rows


def directory_names(model_dirs: list[str]) -> str:
    """Returns the names of the directories of a model or of an ensemble."""
    return "+".join(Path(path).name for path in model_dirs)


if __name__ == "__main__":
    console.run_main(main)
