r"""Labels that are worked solutions: `#### 18`, `\boxed{5}`, or a warning."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from ttrl_benchmarks import BenchmarkWarning, load_benchmark
from ttrl_benchmarks.final_answers import final_answer, is_prose

MARKED = {
    "She sold 24.\nIn all 48 + 24 = <<48+24=72>>72.\n#### 72": "72",
    "#### 1,080": "1,080",
    "We count.\n#### 72\nThe answer is: 72": "72",
    r"We add. So it is $\boxed{5}$.": "5",
    r"First $\boxed{1}$, then $\boxed{\frac{1}{\{2\}}}$, as claimed.": r"\frac{1}{\{2\}}",
    r"\boxed{\text{(B)}}": r"\text{(B)}",
    "#### Step 1\nAdd.\n#### Step 2\nThe total is \\boxed{9}.": "9",
    "We count 3 and 15. #### 18": "18",
    "#### 1 #### 18": "18",
    "#### 72\n\nThe answer is: 72\n": "72",
    "Two and two. The answer is: 4.": "4",
    "Therefore the final answer is $x = 3$": "$x = 3$",
}
UNMARKED = [
    "42",
    r"\frac{1}{2}",
    "#### ",
    r"\boxed{5",
    r"\boxed{}",
    "#### Step 1\nAdd two.",
    "a####5",
    "",
]


@pytest.mark.parametrize(("solution", "answer"), MARKED.items())
def test_the_final_answer_is_what_the_solution_marks(solution: str, answer: str) -> None:
    assert final_answer(solution) == answer


@pytest.mark.parametrize("text", UNMARKED)
def test_an_answer_without_a_mark_is_left_as_it_is(text: str) -> None:
    assert final_answer(text) is None


@pytest.mark.parametrize("text", [" ####" * 100_000, "#### x" + " " * 500_000 + "\ny"])
def test_long_texts_take_no_longer_than_they_are(text: str) -> None:
    assert final_answer(text) is None


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("42", False),
        (r"x = 1 \text{ or } x = 2", False),
        ("Tuesday", False),
        ("the third of the five men", False),
        ("We add two and three, and as both are positive, five it is.", True),
        ("line\nline", True),
        ("9" * 400, True),
    ],
)
def test_prose_is_told_from_answers(label: str, expected: bool) -> None:
    assert is_prose(label) is expected


@pytest.mark.parametrize("column", ["answer", "solution", "Ground_Truth"])
def test_a_file_of_worked_solutions_has_their_answers_as_labels(
    column: str, tmp_path: Path
) -> None:
    path = tmp_path / "gsm8k.jsonl"
    rows = [{"problem": f"{i}?", column: each} for i, each in enumerate(MARKED)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        benchmark = load_benchmark("questions", path=path)
    found = [benchmark.labels.reveal(each.id) for each in benchmark.questions]
    assert found == list(MARKED.values())


def test_labels_that_are_texts_are_warned_of(write_rows: Callable[..., Path]) -> None:
    prose = "We add two and three, and as both are positive, five it is."
    rows = [{"question": "2?", "answer": "2"}, {"question": "2 + 3?", "answer": prose}]
    path = write_rows("rows.json", rows)
    with pytest.warns(BenchmarkWarning, match=r"texts .*: 1 of 2.*row 2 .*'#### ANSWER'"):
        load_benchmark("questions", path=path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        text = load_benchmark("questions", path=path, answer_format="text")
    assert text.labels.reveal("rows/1") == prose


def test_a_text_label_is_never_cut(write_rows: Callable[..., Path]) -> None:
    path = write_rows("rows.json", [{"question": "?", "answer": "I said\n#### 7"}])
    benchmark = load_benchmark("questions", path=path, answer_format="text")
    assert benchmark.labels.reveal("rows/0") == "I said\n#### 7"
