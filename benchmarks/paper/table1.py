"""The twin of Table 1: three small models on three question sets, before and after training.

    python benchmarks/paper/table1.py --jobs 2     # all that is not measured yet
    python benchmarks/paper/table1.py --write      # and keeps the results in the documentation

Beside each gain stand the same runs with a coin for a reward, and with the format alone.

How runs are kept, shared and resumed is told in `twins.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro
from sets import SETS
from twin_pictures import COLORS, Arrow, draw_arrows
from twin_tables import (
    Results,
    cell_of,
    change_of,
    known,
    legend,
    markdown,
    setting_of,
)
from twins import CONTROLS, Plan, Twin, main_of, plan_of

MODELS = ("tiny", "tiny-noisy", "small")
QUESTIONS = ("arithmetic", "rephrased", "sums")


@dataclass(frozen=True)
class Options(Twin):
    """Trains three small models on three question sets."""

    script = "benchmarks/paper/table1.py"
    block = "table1"

    @property
    def plans(self) -> Mapping[str, Plan]:
        """The runs: every model, question set and reward."""
        return {
            f"{model} {questions} {reward}": plan_of(model, model, questions, reward=reward)
            for reward in ("majority", *CONTROLS)
            for model in MODELS
            for questions in QUESTIONS
        }


def table(results: Results) -> str:
    """Returns the Markdown tables of the results: every gain, and the votes beside it."""
    titles = [SETS[each].title for each in QUESTIONS]
    rows, votes = [], []
    for model in MODELS:
        for reward in ("majority", *CONTROLS):
            names = known(results, [f"{model} {each} {reward}" for each in QUESTIONS])
            if len(names) < len(QUESTIONS):
                continue
            pairs = list(zip(names, QUESTIONS, strict=True))
            changes = [change_of(results, *pair) for pair in pairs]
            old = sum(change.before.mean for change in changes) / len(changes)
            new = sum(change.after.mean for change in changes) / len(changes)
            title = "the vote" if reward == "majority" else f"`{reward}`"
            cells = [cell_of(results, *pair) for pair in pairs]
            rows.append([f"`{model}`", title, *cells, f"{old:.3f} → **{new:.3f}**"])
            if reward == "majority":
                votes.append([f"`{model}`", *_votes_of(results, names), relative(old, new)])
    k = results["options"]["eval_k"]
    heads = ["model", "reward", *titles, "average"]
    text = legend(results, "The average is that of the three sets.")
    return "\n\n".join(
        [
            markdown(heads, rows),
            f"mean@{k} (the paper's pass@1), before → after. {text}",
            markdown(["model", *titles, f"average of mean@{k}, relative gain"], votes),
            f"maj@{k}, before → after, of the runs whose reward is the vote.",
        ]
    )


def _votes_of(results: Results, names: Sequence[str]) -> list[str]:
    cells = []
    for name, each in zip(names, QUESTIONS, strict=True):
        change = change_of(results, name, each, "maj")
        cells.append(f"{change.before.mean:.3f} → {change.after.mean:.3f}")
    return cells


def relative(old: float, new: float) -> str:
    """Returns by how much a score grew, as a share of itself; a score of 0 has no such share."""
    return f"{(new - old) / old:+.0%}" if old > 0 else "-"


def draw(results: Results, path: Path) -> None:
    """Draws every gain beside its controls."""
    panels = {}
    for questions in QUESTIONS:
        arrows = []
        for model in MODELS:
            for reward in ("majority", *CONTROLS):
                name = f"{model} {questions} {reward}"
                if name in results["runs"]:
                    title = f"{model}: {'the vote' if reward == 'majority' else reward}"
                    change = change_of(results, name, questions)
                    arrows.append(Arrow(title, COLORS[reward], change))
        panels[SETS[questions].title] = arrows
    k = results["options"]["eval_k"]
    draw_arrows(
        panels,
        path,
        title=f"Three small models on three question sets: mean@{k} before (circle) and after",
        note=f"{setting_of(results)}; diamond: mean over seeds; bar: 95 % interval over questions; "
        "dots: seeds",
        score=f"mean@{k}",
    )


def main(options: Options) -> None:
    main_of(options, table, draw)


if __name__ == "__main__":
    main(tyro.cli(Options))
