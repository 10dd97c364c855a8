"""The benchmark of scaling prints its table; what stands there is for an idle machine."""

import re

from running import script


def test_scaling_is_measured(tmp_path):
    corpus = tmp_path / "pairs.tsv"
    pairs = [(f"今天{i % 7}吃什么{i % 97}", f"吃{i % 5}烤鸭" * (i % 3 + 1)) for i in range(12_000)]
    corpus.write_text("".join(f"{prompt}\t{reply}\n" for prompt, reply in pairs), encoding="utf-8")
    done = script("benchmark", "scaling", f"--data={corpus}", "--units=8")
    assert (done.returncode, done.stderr) == (0, "")
    rows = re.findall(
        r"^ +([12]) +(64|128) +[\d,]+ +[\d.]+ +\d+ +[\d.]+ +[\d.]+%$", done.stdout, re.M
    )
    assert rows == [("1", "64"), ("2", "64"), ("2", "128")]
    assert len(re.findall(r"^ +(?:8,000|100,000)  as (?:rows|tables) ", done.stdout, re.M)) == 4
