"""The rows collected from the test suites of public graders, where they are at hand."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ttrl_env.answers import equivalent, extract_answer
from ttrl_env.answers.keys import read

ROOT = Path(__file__).parents[3]
FOLDER = Path(os.environ.get("TTRL_DATA_DIR") or ROOT.parent / "shared" / "data")
pytestmark = pytest.mark.skipif(
    not (FOLDER / "answers_equal_dev.jsonl").exists(),
    reason=f"no answers_equal_dev.jsonl in {FOLDER}; set TTRL_DATA_DIR to its folder",
)


def counted(name: str) -> list[dict[str, Any]]:
    """The rows of a file on which the projects agree."""
    rows = [json.loads(line) for line in (FOLDER / name).read_text(encoding="utf-8").splitlines()]
    return [row for row in rows if not any(row.get(k) for k in ("policy", "dubious", "conflict"))]


def format_of(row: dict[str, Any]) -> Any:
    return "choice" if row["kind"].startswith("mcq") else "latex"


def test_verdicts() -> None:
    rows = counted("answers_equal_dev.jsonl")
    right = [equivalent(r["gold"], r["pred"], format_of(r)) == r["equal"] for r in rows]
    unequal = [ok for ok, row in zip(right, rows, strict=True) if not row["equal"]]
    assert sum(right) >= 0.97 * len(rows)
    assert sum(unequal) >= 0.995 * len(unequal)


@pytest.mark.parametrize(("kind", "least"), [("latex", 0.96), ("choice", 0.95)])
def test_extractions(kind: str, least: float) -> None:
    rows = [row for row in counted("answers_extract_dev.jsonl") if format_of(row) == kind]
    right = 0
    for row in rows:
        found = extract_answer(row["text"], kind, row.get("options"))  # type: ignore[arg-type]
        gold = row["answer"] or None
        if gold is None or found is None:
            right += (found == gold) == row["match"]
        else:
            right += equivalent(gold, found, kind) == row["match"]  # type: ignore[arg-type]
    assert right >= least * len(rows)


def test_labels() -> None:
    answers = [
        str(row["answer"])
        for name in ("AIME-TTT", "AMC-TTT", "MATH-TTT")
        for row in json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    ]
    assert len(answers) == 613
    for answer in answers:
        for way in (f"${answer}$", f"\\boxed{{{answer}}}", f"{answer}.", f"\\[ {answer} \\]"):
            assert equivalent(answer, way), (answer, way)
    assert sum(read(answer, "latex").kind != "text" for answer in answers) >= 0.99 * 613


def test_hostile_rows() -> None:
    for row in counted("answers_hostile_dev.jsonl"):
        text = row.get("text") or "".join(s * n for s, n in row.get("parts", []))
        found = extract_answer(text) if row["role"] == "response" else text
        said = found is not None and equivalent(row["gold"], found)
        assert row["expect"] in {None, said}, row["id"]
