"""Studies write the rows of which the result pages consist."""

import json
import shutil

import pytest

from attention_seq2seq.config.artifacts import PROVENANCE_FILE
from attention_seq2seq.data.default_corpus import default_corpus
from attention_seq2seq.data.synthetic.meals import meal_dialogues
from attention_seq2seq.training.provenance import hash_rows
from attention_seq2seq.utils.files import read_json, write_json
from experiments.studies.seed_statistics import mean_row
from helpers.result_rows import assert_fields_are_complete
from helpers.scripts import run_script

SMALL = ["--units=8", "--epochs=1", "--batch_size=64", "--patience=0", "--compute_dtype=float32"]


@pytest.fixture
def meals(tmp_path):
    path = tmp_path / "meals.tsv"
    lines = [f"{pair.prompt}\t{pair.reply}\n" for pair in meal_dialogues().validation]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def run_study(tmp_path, name, *arguments):
    """Runs a study; returns its output and its file of results."""
    path = tmp_path / "results.json"
    result = run_script(f"studies.{name}", *arguments, f"--results_json={path}")
    assert result.returncode == 0, result.stderr
    return result.stdout, path


@pytest.mark.slow
def test_ablate_options_writes_a_row_for_each_line(tmp_path, meals):
    arguments = f"--data={meals}", "--validation_fraction=0.2", *SMALL, "--only=--cell=gru"
    output, path = run_study(tmp_path, "ablate_options", *arguments)
    (row,) = assert_fields_are_complete(path, "options")
    assert row["options"] == "--cell=gru"
    assert f"{row['val_perplexity']:.1f}" in output


@pytest.mark.slow
def test_precision_parity_writes_seeds_and_summary(tmp_path, meals):
    arguments = f"--data={meals}", "--validation_fraction=0.2", *SMALL, "--seeds=1"
    output, path = run_study(tmp_path, "precision_parity", *arguments)
    rows = assert_fields_are_complete(path, "precision_parity")
    assert [row["seed"] for row in rows] == [1, "mean", "largest"]
    assert f"{rows[1]['adam, bfloat16']['change']:+.2%}" in output


@pytest.mark.slow
def test_response_diversity_writes_decoding_methods(tmp_path, meals_dir):
    arguments = f"--model_dir={meals_dir}", "--num_prompts=30", "--num_shown=0", "--methods=greedy"
    output, path = run_study(tmp_path, "response_diversity", *arguments, "--method=beam")
    rows = assert_fields_are_complete(path, "response_diversity")
    assert [row["decoding"] for row in rows] == ["greedy", "--method=beam", "the true replies"]
    assert f"{rows[1]['distinct_2']:.3f}" in output


@pytest.mark.slow
def test_evaluate_models_writes_models_their_mean_and_p_values(tmp_path, meals, meals_dir):
    linked_dir = tmp_path / "linked"
    linked_dir.symlink_to(meals_dir)
    arguments = f"--model_dir={meals_dir}", f"--data={meals}"
    output, path = run_study(
        tmp_path, "evaluate_models", *arguments, f"--further_seed={linked_dir}"
    )
    run_study(tmp_path, "evaluate_models", *arguments, f"--baseline={linked_dir}")
    rows = assert_fields_are_complete(path, "pronunciation")
    name = meals_dir.name
    assert [row["model"] for row in rows] == [name, "linked", f"mean of {name}; linked", name]
    error_rate = rows[2]["error_rate"]["value"]
    assert error_rate == pytest.approx(1 - rows[0]["exact_match"]["value"])
    assert "mean and range of 2 models" in output and f"{error_rate:.4f}" in output
    assert rows[3]["p_values"]["exact_match"] == 1


def test_evaluate_models_writes_the_parts_of_the_default_corpus(tmp_path, meals_dir):
    # The model only seems to be trained on the whole corpus.
    model_dir = shutil.copytree(meals_dir, tmp_path / "model")
    provenance = read_json(model_dir / PROVENANCE_FILE)
    provenance["sha256_of_training_pairs"] = hash_rows(
        pair[:2] for pair in default_corpus().training
    )
    write_json(model_dir / PROVENANCE_FILE, provenance)
    _, path = run_study(tmp_path, "evaluate_models", f"--model_dir={model_dir}")
    rows = assert_fields_are_complete(path, "default_corpus")
    parts = ["training pairs", "small talk", "meals", "held-out meals"]
    assert [row["part"] for row in rows] == parts
    assert rows[-1]["prompts"] == 144 and 0 <= rows[-1]["exact_match"] <= 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--json=a.json"], "--json is a flag of `evaluate`"),
        (["--further_seed=b"], "--further_seed needs test pairs"),
        (["--further_seed=b", "--baseline=c", "--data=d"], "--baseline compares one model"),
    ],
)
def test_evaluate_models_rejects_contradictory_flags(arguments, message):
    result = run_script("studies.evaluate_models", "--model_dir=a", *arguments)
    assert result.returncode == 1
    assert message in result.stderr and "Traceback" not in result.stderr


def test_mean_row_has_means_and_ranges():
    rows = [
        {"model": name, "prompts": 2, "bleu": {"value": value, "low": 0.0, "high": 1.0}}
        for name, value in (("a", 0.25), ("b", 0.75))
    ]
    bleu = {"value": 0.5, "low": 0.25, "high": 0.75}
    assert mean_row(rows) == {"model": "mean of a; b", "prompts": 2, "bleu": bleu}


def test_corpus_statistics_writes_a_row_for_each_corpus(tmp_path, meals):
    prepared_dir = tmp_path / "prepared" / "meals"
    prepared_dir.parent.mkdir()
    arguments = f"--data={meals}", f"--prepared_dir={prepared_dir}", "--analyze_only"
    assert run_script("prepare", *arguments).returncode == 0
    output, path = run_study(tmp_path, "corpus_statistics", f"--prepared_dir={prepared_dir}")
    (row,) = assert_fields_are_complete(path, "corpora")
    assert (row["corpus"], row["pairs"]) == ("meals", 144)
    assert output.startswith("meals ") and row["most_common_reply"] in output
    invalid = ("--vocabulary_size=7", "--vocabulary_size=7: not in")
    result = run_script("studies.corpus_statistics", f"--prepared_dir={prepared_dir}", invalid[0])
    assert result.returncode == 1 and invalid[1] in result.stderr


@pytest.mark.slow
def test_length_generalization_writes_rates_by_length(tmp_path):
    characters = ["--source_tokenizer=characters", "--target_tokenizer=characters"]
    sizes = ["--seeds=1", "--training_pairs=100", "--unseen_pairs=9", "--attentions=luong,none"]
    arguments = [f"--work_dir={tmp_path}", "--task=copy", *sizes, *SMALL, *characters]
    output, path = run_study(tmp_path, "length_generalization", *arguments)
    rows = assert_fields_are_complete(path, "length_generalization")
    assert [row["attention"] for row in rows] == ["luong", "none"]
    assert rows[0]["8 to 16"]["strings"] == 9 and rows[1]["8 to 16"]["looking"] is None
    assert f"{rows[0]['31 to 40']['symbols']['value']:.1%} (" in output
    assert json.loads(path.read_text("utf-8"))["commands"][0].endswith(" ".join(characters))
