"""The tables of the twins: scores before and after with their intervals, and the sentence below.

- `Change`: a score before and after training; `change_of` reads it, `cell_of` writes it.
- `markdown`: a Markdown table; `legend` is the sentence below it.
- `label_of`, `seeds_of`: which seeds a row has, where it has fewer than the table.
- `turned_of`: how many votes turned in either direction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ttrl_agents.evaluate import Interval, bootstrap_intervals
from ttrl_agents.evaluate.setting import SamplingSetting
from ttrl_agents.evaluate.turned import CONFIDENT

Results = dict[str, Any]
Scores = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Change:
    """A score before and after training.

    Attributes:
        before: Before, with its interval over questions.
        after: After, with its interval over questions, each a mean over seeds.
        seeds: After, by seed.
    """

    before: Interval
    after: Interval
    seeds: tuple[float, ...]

    @property
    def gain(self) -> float:
        """After less before."""
        return self.after.mean - self.before.mean

    @property
    def cell(self) -> str:
        """Both as a cell, with the interval, and the range over seeds where there are several."""
        text = f"{self.before.mean:.3f} → **{self.after.mean:.3f}** {bounds(self.after)}"
        if len(self.seeds) > 1:
            text += f"<br>{min(self.seeds):.2f} to {max(self.seeds):.2f}"
        return text


def bounds(interval: Interval) -> str:
    """Returns the interval as text."""
    return f"[{interval.low:.2f}, {interval.high:.2f}]"


def scores_of(kept: Mapping[str, Any], score: str = "mean") -> Scores:
    """Returns a score of each question, from what is kept of a measurement.

    Args:
        kept: What is kept.
        score: `mean`, `maj`, `pass`, or the size of a group, for the share of right votes.
    """
    if score == "maj":
        return np.asarray(kept["vote"], np.float64)
    right = np.asarray(kept["right"], np.float64)
    if score == "pass":
        return (right > 0).astype(np.float64)
    if score == "mean":
        return right / kept["k"]
    return np.asarray(kept["groups"][score], np.float64)


def by_seed(results: Results, name: str, label: str, score: str = "mean") -> Scores:
    """Returns a score by seed and question."""
    rows = results["runs"][name].values()
    return np.stack([scores_of(row["measured"][label], score) for row in rows])


def interval_of(scores: Scores) -> Interval:
    """Returns the mean of scores by seed and question, with its interval over questions."""
    (interval,) = bootstrap_intervals(scores.mean(axis=0)[:, None])
    return interval


def change_of(results: Results, name: str, questions: str, score: str = "mean") -> Change:
    """Returns a score before and after the runs of a name."""
    before = by_seed(results, name, f"{questions} 0", score)
    after = by_seed(results, name, f"{questions} end", score)
    seeds = tuple(float(each) for each in after.mean(axis=1))
    return Change(interval_of(before), interval_of(after), seeds)


def cell_of(results: Results, name: str, questions: str, score: str = "mean") -> str:
    """Returns a change as a cell, with its seeds where it has fewer than the table."""
    return change_of(results, name, questions, score).cell + few_seeds(results, name)


def few_seeds(results: Results, name: str) -> str:
    """Returns the seeds of a row as the last line of a cell, where it has fewer than the table."""
    own = sorted(map(int, results["runs"][name]))
    return "" if own == seeds_of(results) else f"<br>{listed(own)}"


def tokens_of(results: Results, name: str, label: str) -> float:
    """Returns the mean length of a completion over seeds."""
    rows = results["runs"][name].values()
    return float(np.mean([row["measured"][label]["tokens"] for row in rows]))


def turned_of(row: Mapping[str, Any], questions: str) -> dict[str, int]:
    """Returns how many votes of a run turned, and how many are wrong and confident at its end."""
    before, after = (row["measured"][f"{questions} {when}"] for when in ("0", "end"))
    old, new = np.asarray(before["vote"], bool), np.asarray(after["vote"], bool)
    sure = np.asarray(after["share"]) >= CONFIDENT
    return {
        "to_right": int((~old & new).sum()),
        "to_wrong": int((old & ~new).sum()),
        "to_wrong_confidently": int((old & ~new & sure).sum()),
        "confidently_wrong": int((~new & sure).sum()),
        "right_before": int(old.sum()),
    }


def known(results: Results, names: Iterable[str]) -> list[str]:
    """Returns those names that have results."""
    return [name for name in names if results["runs"].get(name)]


def seeds_of(results: Results) -> list[int]:
    """Returns all seeds of the results."""
    return sorted({int(seed) for rows in results["runs"].values() for seed in rows})


def label_of(results: Results, name: str, title: str) -> str:
    """Returns the title of a row, with its seeds where it has fewer than others."""
    own = sorted(map(int, results["runs"][name]))
    return title if own == seeds_of(results) else f"{title}, {listed(own)}"


def listed(seeds: Sequence[int]) -> str:
    """Returns seeds in words."""
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"


def markdown(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Returns a Markdown table."""
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def setting_of(results: Results) -> str:
    """Returns the temperature and top-p of what is measured."""
    return SamplingSetting.of(results["options"]["sampling"]).title


def legend(results: Results, more: str = "") -> str:
    """Returns the sentences below a table."""
    options, seeds = results["options"], seeds_of(results)
    several = "; below it the range over seeds" if len(seeds) > 1 else ""
    taught = (
        f"{options['steps']} steps of {options['questions_per_step']} questions × "
        f"{options['n_votes']} votes at T {options['temperature']:g}, top-p 1, on "
        f"{options['size']} questions a set; {listed(seeds)}."
    )
    measured = (
        f"Measured on the questions trained on, as in the paper, with {options['eval_k']} "
        f"completions each at {setting_of(results)}."
    )
    intervals = f"In brackets the 95 % interval over questions{several}."
    printed = f"Printed by `{results['command']}`."
    return " ".join(part for part in (taught, measured, intervals, more, printed) if part)
