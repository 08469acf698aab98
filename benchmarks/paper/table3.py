"""The twin of Table 3: each level of difficulty trained alone, accuracy and length.

    python benchmarks/paper/table3.py --jobs 2     # all that is not measured yet
    python benchmarks/paper/table3.py --write      # and keeps the results in the documentation

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
    bounds,
    change_of,
    few_seeds,
    known,
    label_of,
    legend,
    markdown,
    setting_of,
    tokens_of,
)
from twins import Plan, Twin, main_of, plan_of

from ttrl_benchmarks.arithmetic import LEVELS

REWARDS = ("majority", "random", "format_only")


@dataclass(frozen=True)
class Options(Twin):
    """Trains the tiny reasoner on each level alone."""

    script = "benchmarks/paper/table3.py"
    block = "table3"

    @property
    def plans(self) -> Mapping[str, Plan]:
        """The runs: every level with every reward."""
        return {
            f"level-{level} {reward}": plan_of(
                f"level {level}", "tiny", f"level-{level}", reward=reward
            )
            for reward in REWARDS
            for level in LEVELS
        }


def table(results: Results) -> str:
    """Returns the Markdown table of the results: accuracy, length, and the controls."""
    k = results["options"]["eval_k"]
    heads = [
        "level",
        f"mean@{k}",
        f"maj@{k}",
        "tokens",
        "relative gain",
        "`random`",
        "`format_only`",
    ]
    rows = []
    for name in known(results, [f"level-{level} majority" for level in LEVELS]):
        questions = name.split()[0]
        mean, maj = (change_of(results, name, questions, each) for each in ("mean", "maj"))
        old, new = (tokens_of(results, name, f"{questions} {when}") for when in ("0", "end"))
        controls = [_control(results, questions, reward) for reward in REWARDS[1:]]
        rows.append(
            [
                label_of(results, name, questions.removeprefix("level-")),
                mean.cell,
                f"{maj.before.mean:.3f} → {maj.after.mean:.3f}",
                f"{old:.0f} → {new:.0f}",
                f"{mean.gain / mean.before.mean:+.0%}" if mean.before.mean > 0 else "-",
                *controls,
            ]
        )
    more = f"The last two columns are mean@{k} after training with the controls."
    return f"{markdown(heads, rows)}\n\n{legend(results, more)}"


def _control(results: Results, questions: str, reward: str) -> str:
    name = f"{questions} {reward}"
    if name not in results["runs"]:
        return ""
    after = change_of(results, name, questions).after
    return f"{after.mean:.3f} {bounds(after)}{few_seeds(results, name)}"


def draw(results: Results, path: Path) -> None:
    """Draws the gain of every level beside its controls."""
    panels = {
        "the vote" if reward == "majority" else reward: [
            Arrow(
                f"level {level}",
                COLORS[reward],
                change_of(results, f"level-{level} {reward}", f"level-{level}"),
            )
            for level in LEVELS
            if f"level-{level} {reward}" in results["runs"]
        ]
        for reward in REWARDS
        if f"level-1 {reward}" in results["runs"]
    }
    k = results["options"]["eval_k"]
    draw_arrows(
        panels,
        path,
        title=f"Each level trained alone: mean@{k} before (circle) and after (diamond)",
        note=f"{setting_of(results)}; bar: 95 % interval over questions; dots: seeds",
        score=f"mean@{k}",
    )


def main(options: Options) -> None:
    main_of(options, table, draw)


if __name__ == "__main__":
    main(tyro.cli(Options))
