"""Runs for the tests of reports: one of seconds, and copies of it in which something is wrong.

- `make_run`: trains a few steps on a few questions.
- `make_evaluation`: evaluates the tiny reasoner.
- `without_labels`, `unfinished`, `hostile`: copies of a run.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from small_runs import small

from ttrl_agents.config.eval_config import EvalConfig
from ttrl_agents.evaluate.runner import EvaluationRun
from ttrl_agents.trainer import Trainer

HOSTILE = (
    '</script><img src=x onerror="window.pwned=1"><svg onload="window.pwned=1">'
    "<!--<script> \u202e \ud800 \u2028 \x00 ]]> {{7*7}} javascript:alert(1) "
)


class _Quiet:
    def on_tokens(self, count):
        pass

    def on_questions(self, done):
        pass


def make_run(folder: Path, **options) -> Path:
    """A run of a few steps with everything that a report shows."""
    usual = {
        "steps": 6,
        "env_options": {"size": 15},
        "questions_per_step": 5,
        "n_votes": 8,
        "evaluate": True,
        "eval_k": 4,
        "eval_every": 3,
        "learning_rate": 2e-3,
    }
    Trainer(small(folder, **{**usual, **options})).run()
    return folder


def make_evaluation(folder: Path, seed: int = 0) -> Path:
    """An evaluation of the tiny reasoner on ten questions."""
    config = EvalConfig(output=folder, limit=10, k=4, seed=seed)
    EvaluationRun(config).run(_Quiet())
    return folder


def copied(run: Path, folder: Path) -> Path:
    """A copy of a run without its weights."""
    shutil.copytree(run, folder, ignore=shutil.ignore_patterns("model", "*.safetensors"))
    return folder


def unfinished(run: Path, folder: Path) -> Path:
    """The run as it was before its end: no summary, no evaluation after, a torn line of votes."""
    copied(run, folder)
    (folder / "summary.json").unlink()
    shutil.rmtree(folder / "evaluations" / "after")
    for name in ("metrics.jsonl", "votes.jsonl"):
        path = folder / name
        lines = path.read_text().splitlines()
        kept = [line for line in lines if json.loads(line)["step"] <= 4]
        path.write_text("".join(line + "\n" for line in kept) + '{"step": 5, "to')
    for state in (folder / "checkpoints").glob("step-*"):
        if state.name > "step-000004":
            shutil.rmtree(state)
    return folder


def without_labels(run: Path, folder: Path) -> Path:
    """The run as it had been if no question had a label."""
    copied(run, folder)
    for path in (folder / "evaluations").rglob("completions.jsonl"):
        rewrite(path, lambda row: {**row, "correct": None})
    for path in (folder / "evaluations").rglob("summary.json"):
        path.write_text(json.dumps(_unlabelled(json.loads(path.read_text()))))
    rewrite(folder / "votes.jsonl", lambda row: {**row, "label_accuracy": None})
    labels = ("majority_accuracy", "label_accuracy", "reward_accuracy", "ground_truth_ratio")
    rewrite(
        folder / "metrics.jsonl",
        lambda row: {name: value for name, value in row.items() if name not in labels},
    )
    summary = _unlabelled(json.loads((folder / "summary.json").read_text()))
    summary["turned"] = dict.fromkeys(summary["turned"])
    (folder / "summary.json").write_text(json.dumps(summary))
    return folder


def hostile(run: Path, folder: Path) -> Path:
    """The run as it had been if the model had tried to break its report."""
    copied(run, folder)

    def spoil(row):
        text = HOSTILE + row["text"]
        answer = row["answer"] and HOSTILE + row["answer"]
        start, stop = row["span"] or (0, 0)
        span = row["span"] and [start + len(HOSTILE), stop + len(HOSTILE)]
        spoilt = {"text": text, "answer": answer, "span": span, "key": answer, "rule": HOSTILE}
        return {**row, **spoilt, "prompt": HOSTILE + row["prompt"]}

    for path in (folder / "evaluations").rglob("completions.jsonl"):
        rewrite(path, spoil)
    rewrite(
        folder / "votes.jsonl",
        lambda row: {
            **row,
            "answers": [{**each, "answer": HOSTILE + each["answer"]} for each in row["answers"]],
        },
    )
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model": HOSTILE}))
    summary = json.loads((folder / "summary.json").read_text())
    (folder / "summary.json").write_text(json.dumps({**summary, "model": HOSTILE}))
    return folder


def rewrite(path: Path, change) -> None:
    """Changes each line of a file of JSON Lines."""
    rows = [change(json.loads(line)) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def _unlabelled(value):
    """The value without any score."""
    if isinstance(value, dict):
        return {
            name: 0 if name == "graded" else _unlabelled(each)
            for name, each in value.items()
            if "@" not in name
        }
    return value
