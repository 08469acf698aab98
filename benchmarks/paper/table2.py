"""The twin of Table 2: a model that thinks first, and one on which TTRL loses.

    python benchmarks/paper/table2.py --jobs 2     # all that is not measured yet
    python benchmarks/paper/table2.py --write      # and keeps the results in the documentation

`thinking` (see `models.py`) thinks in `<think>`, with twice the budget of the other twins. The tiny
reasoner on sums of Reasoning Gym, which it never learned to read, is the one that loses: where a
model is right by chance alone, the vote is wrong, and training on it ends the chance.

How runs are kept, shared and resumed is told in `twins.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import tyro
from sets import SETS
from twin_pictures import COLORS, Arrow, draw_arrows
from twin_tables import (
    Results,
    change_of,
    known,
    label_of,
    legend,
    markdown,
    setting_of,
    tokens_of,
)
from twins import Plan, Twin, main_of, plan_of

ROWS = {"thinking": "arithmetic", "tiny": "sums"}
BUDGET = 320  # tokens of a thought and its answer
REWARDS = ("majority", "random", "format_only")


@dataclass(frozen=True)
class Options(Twin):
    """Trains a model that thinks first, and one that has nothing to go by."""

    script = "benchmarks/paper/table2.py"
    block = "table2"

    @property
    def plans(self) -> Mapping[str, Plan]:
        """The runs: both models with every reward."""
        longer = {"thinking": {"max_tokens": BUDGET, "family": "reasoning"}}
        return {
            f"{model} {reward}": plan_of(
                model, model, questions, reward=reward, **longer.get(model, {})
            )
            for reward in REWARDS
            for model, questions in ROWS.items()
        }


def table(results: Results) -> str:
    """Returns the Markdown table of the results."""
    k = results["options"]["eval_k"]
    heads = ["model", "questions", "reward", f"mean@{k}", f"maj@{k}", f"pass@{k}", "tokens"]
    rows = []
    for model, questions in ROWS.items():
        for name in known(results, [f"{model} {reward}" for reward in REWARDS]):
            reward = name.split()[1]
            title = "the vote" if reward == "majority" else f"`{reward}`"
            changes = [change_of(results, name, questions, each) for each in ("maj", "pass")]
            lengths = [tokens_of(results, name, f"{questions} {when}") for when in ("0", "end")]
            rows.append(
                [
                    f"`{model}`",
                    SETS[questions].title,
                    label_of(results, name, title),
                    change_of(results, name, questions).cell,
                    *(f"{each.before.mean:.3f} → {each.after.mean:.3f}" for each in changes),
                    f"{lengths[0]:.0f} → {lengths[1]:.0f}",
                ]
            )
    more = (
        f"`thinking` has {BUDGET} tokens for a thought and its answer, `tiny` "
        f"{results['options']['max_tokens']}."
    )
    return f"{markdown(heads, rows)}\n\n{legend(results, more)}"


def draw(results: Results, path: Path) -> None:
    """Draws both models with every reward."""
    panels = {
        f"{model} on {SETS[questions].title}": [
            Arrow(
                "the vote" if reward == "majority" else reward,
                COLORS[reward],
                change_of(results, f"{model} {reward}", questions),
            )
            for reward in REWARDS
            if f"{model} {reward}" in results["runs"]
        ]
        for model, questions in ROWS.items()
    }
    k = results["options"]["eval_k"]
    draw_arrows(
        panels,
        path,
        title=f"A model that thinks first, and one that has no prior: mean@{k} before and after",
        note=f"{setting_of(results)}; circle: before; diamond: after, mean over seeds; bar: 95 % "
        "interval over questions; dots: seeds",
        score=f"mean@{k}",
    )


def main(options: Options) -> None:
    main_of(options, table, draw)


if __name__ == "__main__":
    main(tyro.cli(Options))
