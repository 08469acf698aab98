"""The rows collected from the test suites of public graders: exact counts of what is read right."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ttrl_env.answers import equivalent, extract_answer
from ttrl_env.answers.keys import read

FOLDER = Path(os.environ.get("TTRL_DATA_DIR", ""))
pytestmark = pytest.mark.skipif(
    not (FOLDER / "answers_equal_dev.jsonl").is_file(),
    reason="set TTRL_DATA_DIR to the folder of answers_equal_dev.jsonl",
)


def counted(name: str) -> list[dict[str, Any]]:
    """The rows of a file on which the projects agree."""
    rows = [json.loads(line) for line in (FOLDER / name).read_text(encoding="utf-8").splitlines()]
    return [row for row in rows if not any(row.get(k) for k in ("policy", "dubious", "conflict"))]


def format_of(row: dict[str, Any]) -> Any:
    return "choice" if row["kind"].startswith("mcq") else "latex"


def test_no_pair_is_called_equal_wrongly_and_eight_are_called_different_wrongly() -> None:
    rows = counted("answers_equal_dev.jsonl")
    assert len(rows) == 551
    wrong = [r for r in rows if equivalent(r["gold"], r["pred"], format_of(r)) != r["equal"]]
    assert [row for row in wrong if not row["equal"]] == []
    assert len(wrong) == 8, [(row["gold"], row["pred"]) for row in wrong]


@pytest.mark.parametrize(("kind", "count"), [("latex", 219), ("choice", 79)])
def test_every_answer_is_found_in_its_text(kind: Any, count: int) -> None:
    rows = [row for row in counted("answers_extract_dev.jsonl") if format_of(row) == kind]
    assert len(rows) == count
    for row in rows:
        found = extract_answer(row["text"], kind, row.get("options"))
        gold = row["answer"] or None
        both = gold is not None and found is not None
        same = equivalent(gold, found, kind) if both else found == gold
        assert same == row["match"], (row["text"], found)


def test_labels_equal_themselves_however_they_are_typeset() -> None:
    answers = [
        str(row["answer"])
        for name in ("AIME-TTT", "AMC-TTT", "MATH-TTT")
        for row in json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    ]
    assert len(answers) == 613
    for answer in answers:
        for way in (f"${answer}$", f"\\boxed{{{answer}}}", f"{answer}.", f"\\[ {answer} \\]"):
            assert equivalent(answer, way), (answer, way)
    assert sum(read(answer, "latex").kind == "text" for answer in answers) == 5


def test_hostile_rows_get_the_verdict_that_they_expect() -> None:
    for row in counted("answers_hostile_dev.jsonl"):
        text = row.get("text") or "".join(s * n for s, n in row.get("parts", []))
        found = extract_answer(text) if row["role"] == "response" else text
        said = found is not None and equivalent(row["gold"], found)
        assert row["expect"] in {None, said}, row["id"]
