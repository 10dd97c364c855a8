"""compare_variants.py and length_generalization.py."""

import json
import re

import pytest

from attention_seq2seq.data.synthetic.meals import meal_dialogues
from helpers.scripts import run_script

COMPARE, LENGTHS = "studies.compare_variants", "studies.length_generalization"
CHARACTERS = ["--source_tokenizer=characters", "--target_tokenizer=characters"]
SMALL = ["--units=8", "--batch_size=32", "--patience=0", "--compute_dtype=float32"]


@pytest.mark.slow
def test_variants_are_compared_on_the_same_prompts(tmp_path):
    data, plot_path = tmp_path / "meals.tsv", tmp_path / "lengths.png"
    lines = [f"{pair.prompt}\t{pair.reply}\n" for pair in meal_dialogues().training[:200]]
    data.write_text("".join(lines), encoding="utf-8")
    test_data = tmp_path / "test.tsv"
    seen_lines = [f"{lines[9][:2]} {lines[9][2:]}", lines[0], f"新\t{'吃' * 99}\n"]
    unseen = [f"{pair.prompt}\t{pair.reply}\n" for pair in meal_dialogues().validation[:30]]
    test_data.write_text("".join([*seen_lines, *unseen]), encoding="utf-8")
    arguments = [
        *(
            COMPARE,
            f"--work_dir={tmp_path}/work",
            f"--data={data}",
            "--epochs=1",
            *SMALL,
        ),
        *(f"--test_data={test_data}", "--restore_best_weights=false", "--metric=perplexity"),
        *("--metric=exact_match", "--metric=chrf", "--variant="),
        "--variant=--attention=none",
    ]
    result = run_script(*arguments, "--seeds=1")
    assert result.returncode == 0, result.stderr
    # Excluded are overlong pairs and prompts of the training data in any spelling.
    assert "validation and 30 test pairs; 3 test pairs dropped" in result.stdout
    # Only the signatures of printed metrics.
    assert re.findall(r"^(\w+)\|nrefs:", result.stdout, re.M) == ["chrf"]
    value = r"[\d.]+"
    outcome = "higher|lower|no significant difference"
    comparison = rf"  p [01].\d{{4}}, (?:{outcome})"
    row_pattern = rf"^  perplexity +({value})  \(({value}) to ({value})\)({comparison})?$"
    rows_of_one_seed = re.findall(row_pattern, result.stdout, re.M)
    assert [bool(row[3]) for row in rows_of_one_seed] == [False, True]
    # With another seed, finished trainings are reused with the same results.
    results_path = tmp_path / "results.json"
    two_seeds = run_script(
        *arguments,
        "--seeds=1,2",
        f"--plot_by_length={plot_path}",
        f"--results_json={results_path}",
    )
    assert (
        "perplexity by the length of prompts, and divided by that of the first" in two_seeds.stdout
    )
    assert two_seeds.stdout.count("epoch 1 of 1: ") == 2
    rows_of_two_seeds = re.findall(row_pattern, two_seeds.stdout, re.M)
    for (seed_value, *_), (_, low, high, _) in zip(rows_of_one_seed, rows_of_two_seeds):
        assert seed_value in (low, high)
        assert low != high
    json_rows = json.loads(results_path.read_text("utf-8"))["rows"]
    assert [row["options"] for row in json_rows] == ["", "--attention=none"]
    for (value, *_), row in zip(rows_of_two_seeds, json_rows):
        assert value == f"{row['perplexity']['value']:.4f}"
        assert (row["data"], row["seeds"], row["test_pairs"]) == ("meals.tsv", 2, 30)
        # One of two trainings was reused.
        assert "minutes" not in row
    assert "p" not in json_rows[0]["perplexity"] and json_rows[1]["perplexity"]["p"] <= 1
    assert plot_path.read_bytes().startswith(b"\x89PNG")
    # The best epoch is evaluated, regardless of --restore_best_weights.
    config = (tmp_path / "work" / "as given,seed=1" / "config.json").read_text(encoding="utf-8")
    assert json.loads(config)["training"]["restore_best_weights"] is True
    assert {path.name for path in (tmp_path / "work").iterdir()} == {
        f"{name},seed={seed}" for name in ("as given", "attention=none") for seed in "12"
    }


@pytest.mark.slow
def test_length_generalization_prints_accuracy_by_length(tmp_path):
    plot_path = tmp_path / "longer.png"
    result = run_script(
        *(
            LENGTHS,
            f"--work_dir={tmp_path}",
            "--task=copy",
            "--attentions=luong,none",
        ),
        *("--seeds=1", "--training_pairs=100", "--unseen_pairs=9", "--epochs=1", *SMALL),
        *CHARACTERS,
        f"--plot={plot_path}",
    )
    assert result.returncode == 0, result.stderr
    percentage = r"[\d.]+% \(.*?\)"
    rows = re.findall(
        rf"^  (\d+ to \d+) +{percentage} +{percentage}( +{percentage})?$", result.stdout, re.M
    )
    assert [row[0].partition(" ")[0] for row in rows] == ["8", "17", "21", "25", "31"] * 2
    assert [bool(row[1]) for row in rows] == [True] * 5 + [False] * 5
    assert result.stdout.count("symbols correct, compared with luong: ") == 1
    assert plot_path.read_bytes().startswith(b"\x89PNG")


def test_invalid_arguments_fail_with_a_reason(tmp_path, meals_dir):
    work, small_corpus = f"--work_dir={tmp_path}", tmp_path / "few.tsv"
    small_corpus.write_text("你好\t你好呀\n吃什么\t吃面\n", encoding="utf-8")
    invalid_corpus = tmp_path / "bad.tsv"
    invalid_corpus.write_text("你好\t你好呀\n吃什么\n", encoding="utf-8")
    for arguments, message in [
        (
            (COMPARE, work, "--seeds=a"),
            "--seeds=a; expected distinct numbers",
        ),
        (
            (COMPARE, work, "--seeds=1,1"),
            "--seeds=1,1; expected distinct numbers",
        ),
        (
            (COMPARE, work, "--variant=", "--variant="),
            "duplicate value; expected distinct",
        ),
        (
            (COMPARE, work, "--variant=--unit=3"),
            "--unit=3: unknown flag",
        ),
        ((LENGTHS, work), "target_tokenizer are jieba; expected characters"),
        ((LENGTHS, work, "--seeds=1,x"), "--seeds=1,x; expected distinct numbers"),
        ((COMPARE, work, "--variant=--units=a"), "--units=a: invalid value; expected a number"),
        ((COMPARE, work, "--variant=--epochs=3"), "epochs must be equal in all variants"),
        (
            (COMPARE, work, "--variant=--context_turns=1"),
            "context_turns must be equal in all variants",
        ),
        ((COMPARE, work, f"--data={small_corpus}", "--test_fraction=0.1"), "A split is empty"),
        (
            (COMPARE, work, f"--data={small_corpus}", f"--test_data={small_corpus}"),
            "A split is empty",
        ),
        (
            ("evaluate", f"--model_dir={meals_dir}", f"--data={invalid_corpus}"),
            f"{invalid_corpus}, line 2: no tab",
        ),
        (("evaluate", f"--model_dir={tmp_path}", f"--json={tmp_path}/no/a"), "no such directory"),
        ((LENGTHS, work, *CHARACTERS, "--attentions=dot"), "dot"),
        (
            (LENGTHS, work, *CHARACTERS, f"--plot={tmp_path}/no/a.png"),
            "no such directory",
        ),
        (
            (COMPARE, work, f"--plot_by_length={tmp_path}/a"),
            "unknown image format",
        ),
        (
            (
                COMPARE,
                work,
                f"--plot_by_length={tmp_path}/a.png",
                "--metric=most_common_ratio",
            ),
            "which is a corpus-level metric",
        ),
    ]:
        result = run_script(*arguments)
        assert result.returncode == 1
        assert "Traceback" not in result.stderr
        assert message in result.stderr
