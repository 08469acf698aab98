"""Beyond the paper: labels against votes, with the same number of completions.

    python benchmarks/paper/budget.py --jobs 2     # all that is not measured yet
    python benchmarks/paper/budget.py --write      # and keeps the results in the documentation

How runs are kept, shared and resumed is told in `twins.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import tyro
from twin_pictures import COLORS, Arrow, draw_arrows
from twin_tables import (
    Results,
    change_of,
    known,
    label_of,
    legend,
    markdown,
    setting_of,
)
from twins import CONTROLS, Plan, Twin, main_of, plan_of

SHAPES = ((16, 4), (4, 16), (8, 8))  # questions a step, completions of each: 64 in all
TEACHERS = {"oracle": "labels", "majority": "votes"}
FEW = "label_budget(labels=10)"


@dataclass(frozen=True)
class Options(Twin):
    """Spends the same number of completions on labels and on votes."""

    script = "benchmarks/paper/budget.py"
    block = "budget"

    @property
    def plans(self) -> Mapping[str, Plan]:
        """The runs: labels and votes in three shapes, ten labels, and the controls."""
        standard = self.train.questions_per_step, self.train.n_votes
        rows = {}
        for questions, votes in SHAPES:
            for reward, words in TEACHERS.items():
                shape = {"questions_per_step": questions, "n_votes": votes}
                changes = {} if (questions, votes) == standard else shape
                title = f"{words}, {questions} questions × {votes}"
                rows[f"{reward} {questions}x{votes}"] = plan_of(title, reward=reward, **changes)
        rows["label_budget"] = plan_of("10 labels, then votes, 4 questions × 16", reward=FEW)
        for each in CONTROLS:
            rows[each] = plan_of(f"control: `{each}`, 4 questions × 16", reward=each)
        return rows


def title_of(name: str) -> str:
    """Returns what tables call a row."""
    if name in CONTROLS:
        return f"control: `{name}`"
    if name == "label_budget":
        return "10 labels, votes for the rest"
    reward, _, shape = name.partition(" ")
    questions, votes = shape.split("x")
    return f"{TEACHERS[reward]}, {questions} questions × {votes}"


def table(results: Results) -> str:
    """Returns the Markdown table of the results."""
    k, options = results["options"]["eval_k"], results["options"]
    rows = []
    for name in known(results, results["runs"]):
        mean, maj = (change_of(results, name, "arithmetic", each) for each in ("mean", "maj"))
        votes = f"{maj.before.mean:.3f} → {maj.after.mean:.3f}"
        rows.append([label_of(results, name, title_of(name)), mean.cell, votes])
    heads = ["teacher, shape of a step", f"mean@{k}", f"maj@{k}"]
    shape = f"{options['questions_per_step']} questions × {options['n_votes']} votes"
    each = options["questions_per_step"] * options["n_votes"]
    text = legend(results).replace(shape, f"{each} completions")
    return f"{markdown(heads, rows)}\n\n{text}"


def draw(results: Results, path: Path) -> None:
    """Draws the gain of every teacher and shape."""
    colors = {"oracle": COLORS["oracle"], "label_budget": "#6a4c9c", **COLORS}
    arrows = [
        Arrow(
            title_of(name).replace("`", ""),
            colors[name.split()[0]],
            change_of(results, name, "arithmetic"),
        )
        for name in known(results, results["runs"])
    ]
    k = results["options"]["eval_k"]
    draw_arrows(
        {"": arrows},
        path,
        title=f"Labels and votes with the same number of completions: mean@{k}",
        note=f"{setting_of(results)}; circle: before; diamond: after; bar: 95 % interval over "
        "questions; dots: seeds",
        score=f"mean@{k}",
    )


def main(options: Options) -> None:
    main_of(options, table, draw)


if __name__ == "__main__":
    main(tyro.cli(Options))
