"""The benchmarks of training print their tables; what stands there is for an idle machine."""

import re

from running import script


def corpus(folder):
    path = folder / "pairs.tsv"
    pairs = [(f"今天{i % 7}吃什么{i}", f"吃{i % 5}烤鸭" * (i % 3 + 1)) for i in range(1300)]
    path.write_text("".join(f"{prompt}\t{reply}\n" for prompt, reply in pairs), encoding="utf-8")
    return path


def test_training_is_measured_beside_the_tutorials_way(tmp_path):
    done = script(
        "benchmark",
        *("train", f"--data={corpus(tmp_path)}", "--units=8", "--vocabulary=50"),
        *("--steps=1,3", "--repeats=1"),
    )
    assert done.returncode == 0, done.stderr
    rows = re.findall(r"^(tfa.seq2seq, tutorial|ours|ours, bfloat16) +([\d,]+) ", done.stdout, re.M)
    assert [name for name, _ in rows] == ["tfa.seq2seq, tutorial", "ours", "ours, bfloat16"]
    assert all(int(rate.replace(",", "")) > 0 for _, rate in rows)


def test_what_cannot_be_measured_is_said(tmp_path):
    data = f"--data={corpus(tmp_path)}"
    for arguments, message in [
        (("train",), "name their files, --data=FILE,FILE"),
        (("train", data, "--steps=5,5"), "the first must be from 1 to 4"),
        (("train", data, "--steps=a,b"), "expected two numbers, as in 100,400"),
        (("minutes", data), "say where it is installed, --peers=WORK"),
    ]:
        done = script("benchmark", *arguments)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert message in done.stderr


def test_pieces_are_measured():
    done = script("benchmark", "pieces", "--units=8", "--vocabulary=50", "--repeats=1")
    assert (done.returncode, done.stderr) == (0, "")
    for name in ("encoder", "decoder", "logits and loss", "clipping and update", "together"):
        assert re.search(rf"^{name} +[\d.]+ +[\d.]+ +[\d.]+ ", done.stdout, re.M)
