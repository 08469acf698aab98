"""Labels that hold a number and are compared as text are warned of."""

import json
import warnings

import pytest

from ttrl_agents.cli.entry import main
from ttrl_agents.evaluate.text_labels import warn_of_text_labels
from ttrl_benchmarks import Benchmark, BenchmarkWarning, Question, SealedLabels


def benchmark(*labels, answer_format="latex"):
    return Benchmark(
        name="mine",
        questions=tuple(Question(f"q{n}", f"{n}?") for n in range(len(labels))),
        labels=SealedLabels({f"q{n}": each for n, each in enumerate(labels) if each}),
        answer_format=answer_format,
    )


def test_the_first_of_them_is_named():
    said = r"as text: 1 of 3, the first that of question 'q2' \('18 apples in total'\)"
    with pytest.warns(BenchmarkWarning, match=said):
        warn_of_text_labels(benchmark("5", "7 kg", "18 apples in total", None))


@pytest.mark.parametrize(
    "quiet",
    [
        benchmark(
            "18 apples", "$1,234.50", "x^2 + 1", r"\frac{1}{2}", "3:30 pm", "5 miles per hour"
        ),
        benchmark("Paris", r"\text{east}"),
        benchmark("18 apples in total", answer_format="text"),
        benchmark(None),
    ],
)
def test_numbers_formulas_and_words_are_not(quiet):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_text_labels(quiet)


def test_an_evaluation_says_so(tmp_path, capsys):
    rows = [{"question": "1 + 1?", "answer": "2 apples in total"}]
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    asked = ["--env", "TTRL-Questions-v0", "--data", str(tmp_path / "rows.json")]
    little = ["--k", "2", "--max-tokens", "4", "--output", str(tmp_path / "out")]
    assert main(["eval", "tiny", *asked, *little]) == 0
    said = capsys.readouterr().err
    assert "ttrl: warning: Labels that hold a number and are compared as text: 1 of 1" in said
