"""Probe before, train after: is the verdict of `ttrl probe` right?

Probes models on questions, trains each without labels for 40 steps, and measures it again, sampled
as in training (T 1, top-p 1 unless a row says otherwise) with 16 votes on each question. Labels
judge: a run learned if its mean@16 on the trained questions rose beyond chance, and was harmed if
it fell beyond chance. The verdict is right if models that are `fit` learned and those that are
`unfit` did not; `doubtful` claims nothing.

    python benchmarks/paper/probe.py               # all that is not measured yet
    python benchmarks/paper/probe.py --write       # and keeps the results in the documentation
    python benchmarks/paper/probe.py --settings tiny untrained

Three models are made first: one with random weights (of which a run of more than three steps ends
itself, since no completion has an answer), one that training at five times the learning rate has
spoilt, and one that is trained already. Runs whose results are kept in
docs/results/probe.json are not repeated; those in the output folder are read where they are
complete, and else resumed. What is kept are the votes, so that a new verdict is held against them.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch is imported

import importlib.util
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tyro
from comparison import Comparison, Results, compare, publish
from rich.console import Console
from runs import Silent, read_summary, train_all
from transformers import AutoConfig

from pages import REPOSITORY
from ttrl_agents.config import TrainConfig
from ttrl_agents.config.probe_config import ProbeConfig
from ttrl_agents.evaluate import (
    Evaluation,
    EvaluationFolder,
    Interval,
    QuestionResult,
    bootstrap_intervals,
)
from ttrl_agents.evaluate.runner import EvaluationRun
from ttrl_agents.probe import Indicators, Verdict, judge, measure_votes, steps_to_agreement
from ttrl_agents.probe.pace import TARGET
from ttrl_agents.tiny import checkpoint_path
from ttrl_agents.tiny.random_policy import random_policy

PAGE = REPOSITORY / "docs" / "probe.md"
QUESTIONS, STEPS = 40, 40
QUESTIONS_PER_STEP = 4
MADE = ("untrained", "spoilt", "trained")
SPOILT: dict[str, Any] = {"learning_rate": 1e-3, "steps": 60}
REASONING_GYM: dict[str, Any] = {
    "env": "TTRL-ReasoningGym-v0",
    "env_options": {
        "task": "chain_sum",
        "size": QUESTIONS,
        "config": {"min_terms": 2, "max_terms": 2, "min_digits": 1, "max_digits": 2},
    },
}
SETTINGS: dict[str, dict[str, Any]] = {
    "tiny": {},
    "tiny, level 1": {"env_options": {"size": QUESTIONS, "level": 1}},
    "tiny, level 5": {"env_options": {"size": QUESTIONS, "level": 5}},
    "tiny, 4 votes": {"n_votes": 4},
    "tiny, 10 questions": {"env_options": {"size": 10}},
    "tiny, temperature 2": {"temperature": 2.0},
    "tiny, Reasoning Gym": REASONING_GYM,
    "tiny-noisy": {"model": "tiny-noisy"},
    "tiny-noisy, level 5": {
        "model": "tiny-noisy",
        "env_options": {"size": QUESTIONS, "level": 5},
    },
    "untrained": {"model": "untrained", "max_tokens": 48, "steps": 3},
    "spoilt": {"model": "spoilt"},
    "trained": {"model": "trained"},
}
NEEDS_GYM = "tiny, Reasoning Gym"
PEAK = 2e-4  # the full learning rate of small models
OUTCOMES = ("learned", "no change", "harmed")


@dataclass(frozen=True)
class Options(Comparison):
    """Holds the verdict of a probe against what training makes of the same model."""

    script = "benchmarks/paper/probe.py"
    varied = ("model", "env", "env_options", "n_votes", "temperature", "max_tokens", "steps")
    block = "probe"
    page = PAGE

    settings: tuple[str, ...] = ()
    """Which of them; by default all (one needs reasoning-gym, and is left out without it)."""
    seeds: tuple[int, ...] = (0,)
    """Every setting is probed and trained with each of these."""
    train: TrainConfig = field(
        default_factory=lambda: TrainConfig(
            steps=STEPS,
            questions_per_step=QUESTIONS_PER_STEP,
            schedule="constant",
            evaluate=False,
            env_options={"size": QUESTIONS},
        )
    )
    """The other options of every run."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in self.settings:
            if name not in SETTINGS:
                raise SystemExit(f"--settings {name!r}: there are {', '.join(SETTINGS)}.")

    @property
    def names(self) -> tuple[str, ...]:
        """The settings that are compared."""
        there = importlib.util.find_spec("reasoning_gym") is not None
        return self.settings or tuple(name for name in SETTINGS if there or name != NEEDS_GYM)

    def config(self, name: str, seed: int) -> TrainConfig:
        """Returns the options of one run."""
        changed = dict(SETTINGS[name])
        if changed.get("model") in MADE:
            changed["model"] = str(self.made(changed["model"]))
        return replace(self.train, **changed, seed=seed, output=self.run_folder(name, seed))

    def made(self, name: str) -> Path:
        """Returns the folder of a model that is made for the comparison."""
        folder = self.folder / "models" / name
        return folder if name == "untrained" else folder / "checkpoint"

    def row_of(self, config: TrainConfig) -> dict[str, Any]:
        """Returns what is kept of a complete run."""
        assert config.output is not None
        text = (config.output / "metrics.jsonl").read_text(encoding="utf-8")
        rows = [json.loads(line) for line in text.splitlines()]
        before = ask(config, config.model, "probe")
        after = ask(config, str(config.output / "checkpoint"), "after")
        return {
            "alarms": [[alarm["step"], alarm["kind"]] for alarm in read_summary(config)["alarms"]],
            "n_votes": config.n_votes,
            "temperature": config.temperature,
            "votes": numbered_votes(before.results),
            "finished": [sum(each.finished[: config.n_votes]) for each in before.results],
            "right": [before.correct.sum(axis=1).tolist(), after.correct.sum(axis=1).tolist()],
            "majority": [each.majority_correct.astype(int).tolist() for each in (before, after)],
            "ratio": [round(row["majority_ratio"], 4) for row in rows],
            "rate": [row["learning_rate"] for row in rows],
        }


def ask(config: TrainConfig, model: str, name: str) -> Evaluation:
    """Returns how a model answers the trained questions, sampled as in training."""
    assert config.output is not None
    stored = EvaluationFolder(config.output / name)
    if stored.complete:
        return stored.read()
    options = ProbeConfig(
        model=model,
        env=config.env,
        env_options=config.env_options,
        limit=QUESTIONS,
        temperature=config.temperature,
        max_tokens=config.max_tokens,
        seed=config.seed,
        output=config.output / name,
    )
    return EvaluationRun(options.evaluation()).run(Silent())[0]


def make_models(options: Options, console: Console) -> None:
    """Makes the models that some settings begin with, as far as they are not there."""
    wanted = {SETTINGS[name].get("model") for name in options.names}
    if "untrained" in wanted and not options.made("untrained").is_dir():
        shape = AutoConfig.from_pretrained(checkpoint_path())
        random_policy(shape).save(options.made("untrained"))
    configs = []
    if "spoilt" in wanted:
        folder = options.made("spoilt").parent
        configs.append(replace(options.train, **SPOILT, seed=1, output=folder))
    if "trained" in wanted:
        folder = options.made("trained").parent
        configs.append(replace(options.train, seed=1, output=folder))
    train_all(configs, options.jobs, console)


def numbered_votes(results: Sequence[QuestionResult]) -> list[list[int]]:
    """Returns the votes on each question; equal answers have the same number everywhere."""
    numbers: dict[str | None, int] = {None: -1}
    return [[numbers.setdefault(key, len(numbers) - 1) for key in each.keys] for each in results]


def judged(row: dict[str, Any]) -> tuple[Indicators, Verdict]:
    """Returns what a probe says of the votes of a row, without labels."""
    n = row["n_votes"]
    results = [
        _result(str(place), votes[:n], finished)
        for place, (votes, finished) in enumerate(zip(row["votes"], row["finished"], strict=True))
    ]
    found = measure_votes(results)
    return found, judge(found)


def _result(name: str, votes: list[int], finished: int) -> QuestionResult:
    """Returns a question with these votes; what a probe does not look at is blank."""
    keys = tuple(None if vote < 0 else str(vote) for vote in votes)
    classes = [key for key in dict.fromkeys(keys) if key is not None]
    blank = ("",) * len(votes)
    return QuestionResult(
        question_id=name,
        level=None,
        prompt="",
        texts=blank,
        answers=keys,
        spans=(None,) * len(votes),
        rules=blank,
        keys=keys,
        votes=tuple(-1 if key is None else classes.index(key) for key in keys),
        correct=None,
        finished=tuple(place < finished for place in range(len(votes))),
        tokens=(1,) * len(votes),
    )


def change_of(row: dict[str, Any]) -> Interval:
    """Returns by how much mean@k rose in training, with its interval over questions."""
    before, after = (np.asarray(each, np.float64) / len(row["votes"][0]) for each in row["right"])
    (change,) = bootstrap_intervals((after - before)[:, None])
    return change


def outcome_of(row: dict[str, Any]) -> str:
    """Returns what training made of the model, judged with labels."""
    change = change_of(row)
    if change.low > 0:
        return "learned"
    return "harmed" if change.high < 0 else "no change"


def is_right(word: str, outcome: str) -> bool | None:
    """Returns whether a verdict was right; `None` for one that claims nothing."""
    return None if word == "doubtful" else (word == "fit") == (outcome == "learned")


def steps_seen(row: dict[str, Any], peak: float) -> float | None:
    """Returns after how many steps of the full learning rate the votes agreed.

    Args:
        row: What is kept of a run.
        peak: The full learning rate.

    Returns:
        `None` if the majority ratio, averaged over a pass of the questions, stays below the target.
    """
    window = max(1, len(row["votes"]) // QUESTIONS_PER_STEP)
    ratio: npt.NDArray[np.float64] = np.asarray(row["ratio"])
    means = np.convolve(ratio, np.ones(window) / window, mode="valid")
    reached = np.flatnonzero(means >= TARGET)
    if not len(reached):
        return None
    middle = int(reached[0]) + window // 2
    return float(np.sum(row["rate"][: middle + 1]) / peak)


def table(results: Results) -> str:
    """Returns the Markdown table of the settings, with what it amounts to."""
    heads = (
        "model and questions",
        "verdict",
        "majority ratio",
        "agreement",
        "repeated winners",
        "would teach",
        "no answer",
        "cut off",
        "steps to 90 %, predicted",
        "seen",
        "mean@16, before → after",
        "change",
        "maj@16, before → after",
        "first alarm",
        "training",
        "verdict right?",
    )
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    rows = {
        (name if seed == "0" else f"{name}, seed {seed}"): row
        for name in SETTINGS
        for seed, row in results["runs"].get(name, {}).items()
    }
    lines += [f"| {label} | {' | '.join(cells_of(row))} |" for label, row in rows.items()]
    return "\n".join([*lines, "", summary(list(rows.values())), "", legend(results)])


def cells_of(row: dict[str, Any]) -> list[str]:
    """Returns the cells of a setting."""
    found, verdict = judged(row)
    predicted, seen = steps_to_agreement(found.shares), steps_seen(row, PEAK)
    change, outcome = change_of(row), outcome_of(row)
    right = is_right(verdict.word, outcome)
    blamed = [each.indicator for each in verdict.reasons if each.weight != "good"]
    questions, k = len(row["votes"]), len(row["votes"][0])
    mean = [sum(each) / (questions * k) for each in row["right"]]
    majority = [sum(each) / questions for each in row["majority"]]
    return [
        f"{verdict.word}{': ' + ', '.join(blamed) if blamed else ''}",
        f"{found.majority_ratio.mean:.2f}",
        "-" if found.agreement is None else f"{found.agreement:.2f}",
        f"{found.reproducible.mean:.2f}",
        f"{found.teaching.mean:.2f}",
        f"{found.absent:.2f}",
        f"{found.truncated:.2f}",
        "never" if predicted is None else f"{predicted:.0f}",
        "not yet" if seen is None else f"{seen:.0f}",
        f"{mean[0]:.3f} → {mean[1]:.3f}",
        f"{change.mean:+.3f} [{change.low:+.2f}, {change.high:+.2f}]",
        f"{majority[0]:.2f} → {majority[1]:.2f}",
        f"{row['alarms'][0][0]}, `{row['alarms'][0][1]}`" if row["alarms"] else "none",
        outcome,
        {None: "claims nothing", True: "yes", False: "**no**"}[right],
    ]


def summary(rows: Sequence[dict[str, Any]]) -> str:
    """Returns how often each verdict was followed by each outcome."""
    counts = {word: dict.fromkeys(OUTCOMES, 0) for word in ("fit", "doubtful", "unfit")}
    for row in rows:
        counts[judged(row)[1].word][outcome_of(row)] += 1
    parts = [
        f"`{word}`: {sum(found.values())}, of which "
        + ", ".join(f"{count} {name}" for name, count in found.items() if count)
        for word, found in counts.items()
        if any(found.values())
    ]
    return f"{'; '.join(parts)}."


def legend(results: Results) -> str:
    """Returns the sentences below the table."""
    return (
        f"{QUESTIONS} questions of `TTRL-Arithmetic-v0` of all levels and {STEPS} steps "
        f"of `ttrl train` with {QUESTIONS_PER_STEP} questions each and a constant learning rate, "
        "T 1, top-p 1 in probing, training and measuring alike, 16 votes, unless the first column "
        "says otherwise; seed 0 unless a row names another. In brackets the paired 95 % interval "
        "over questions; a run learned if all of it is above 0. Steps are those of the full "
        f"learning rate. Printed by `{results['command']}`."
    )


def main(options: Options) -> None:
    console = Console(highlight=False, stderr=True)
    make_models(options, console)
    results = compare(options, console)
    publish(options, results, table(results))


if __name__ == "__main__":
    main(tyro.cli(Options))
