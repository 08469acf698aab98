"""Beyond the paper: how many votes, and how many of them to train on.

    python benchmarks/paper/votes.py --jobs 2     # all that is not measured yet
    python benchmarks/paper/votes.py --write      # and keeps the results in the documentation

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

VOTES = (4, 8, 16, 32, 64)
TRAINED = ((16, 8), (32, 16), (64, 16), (64, 32))


@dataclass(frozen=True)
class Options(Twin):
    """Trains with more and fewer votes."""

    script = "benchmarks/paper/votes.py"
    block = "votes"

    @property
    def plans(self) -> Mapping[str, Plan]:
        """The runs: by votes, by trained votes, and the controls."""
        return {
            **{
                f"{votes}": plan_of(f"{votes} votes, all trained", n_votes=votes)
                if votes != 16
                else plan_of("16 votes, all trained", reward="majority")
                for votes in VOTES
            },
            **{
                f"{votes}/{trained}": plan_of(
                    f"{votes} votes, {trained} trained", n_votes=votes, n_train=trained
                )
                for votes, trained in TRAINED
            },
            **{each: plan_of(f"control: `{each}`", reward=each) for each in CONTROLS},
        }


def table(results: Results) -> str:
    """Returns the Markdown table of the results, with what each run sampled."""
    k, options = results["options"]["eval_k"], results["options"]
    rows = []
    for name in known(results, results["runs"]):
        mean, maj = (change_of(results, name, "arithmetic", each) for each in ("mean", "maj"))
        sampled = votes_of(name, options) * options["questions_per_step"] * options["steps"]
        votes = f"{maj.before.mean:.3f} → {maj.after.mean:.3f}"
        rows.append([label_of(results, name, title_of(name)), f"{sampled:,}", mean.cell, votes])
    heads = ["votes", "completions sampled", f"mean@{k}", f"maj@{k}"]
    text = legend(results).replace(f" × {options['n_votes']} votes at", " at")
    return f"{markdown(heads, rows)}\n\n{text}"


def votes_of(name: str, options: Mapping[str, int]) -> int:
    """Returns how many completions of each question the runs of a name sample."""
    return options["n_votes"] if name in CONTROLS else int(name.split("/")[0])


def title_of(name: str) -> str:
    """Returns what tables call a row."""
    if name in CONTROLS:
        return f"control: `{name}`"
    votes, _, trained = name.partition("/")
    return f"{votes} votes, {trained or 'all'} trained"


def draw(results: Results, path: Path) -> None:
    """Draws the gain of every number of votes."""
    arrows = [
        Arrow(
            title_of(name).replace("`", ""),
            COLORS.get(name, "#6a4c9c" if "/" in name else COLORS["majority"]),
            change_of(results, name, "arithmetic"),
        )
        for name in known(results, results["runs"])
    ]
    k = results["options"]["eval_k"]
    draw_arrows(
        {"": arrows},
        path,
        title=f"More and fewer votes: mean@{k} before (circle) and after",
        note=f"{setting_of(results)}; bar: 95 % interval over questions; dots: seeds",
        score=f"mean@{k}",
    )


def main(options: Options) -> None:
    main_of(options, table, draw)


if __name__ == "__main__":
    main(tyro.cli(Options))
