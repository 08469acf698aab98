"""The twin of Figure 3: trained on one question set, measured on all others.

    python benchmarks/paper/figure3.py --jobs 2     # all that is not measured yet
    python benchmarks/paper/figure3.py --write      # and keeps the results in the documentation

The runs are those of Tables 1 and 3; what is new is what is measured of them.

How runs are kept, shared and resumed is told in `twins.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import tyro
from sets import SETS
from twin_pictures import new_figure, save
from twin_tables import (
    Results,
    by_seed,
    change_of,
    known,
    label_of,
    legend,
    markdown,
    setting_of,
)
from twins import CONTROLS, Measure, Plan, Twin, main_of, plan_of

QUESTIONS = ("arithmetic", "rephrased", "level-1", "level-5", "sums")


@dataclass(frozen=True)
class Options(Twin):
    """Measures the tiny reasoner on question sets that it was not trained on."""

    script = "benchmarks/paper/figure3.py"
    block = "figure3"

    @property
    def plans(self) -> Mapping[str, Plan]:
        """The runs: every question set with the vote, and the first with the controls."""
        measures = [Measure(each, step) for step in (0, None) for each in QUESTIONS]
        rows = [(each, "majority") for each in QUESTIONS]
        rows += [(QUESTIONS[0], reward) for reward in CONTROLS]
        return {
            f"{trained} {reward}": plan_of(trained, "tiny", trained, *measures, reward=reward)
            for trained, reward in rows
        }


def table(results: Results) -> str:
    """Returns the Markdown table of the results: a row for each run, a column for each set."""
    k = results["options"]["eval_k"]
    names = known(results, results["runs"])
    heads = ["trained on", *(SETS[each].title for each in QUESTIONS)]
    before = [f"{by_seed(results, names[0], f'{each} 0').mean():.3f}" for each in QUESTIONS]
    rows = [["nothing", *before]]
    for name in names:
        trained, reward = name.split()
        title = (
            SETS[trained].title if reward == "majority" else f"{SETS[trained].title}, `{reward}`"
        )
        cells = [_cell(results, name, each, own=each == trained) for each in QUESTIONS]
        rows.append([label_of(results, name, title), *cells])
    more = f"Cells are mean@{k} after training; in bold on the questions that were trained on."
    text = legend(results, more).replace(
        "Measured on the questions trained on, as in the paper, ", "Measured "
    )
    return f"{markdown(heads, rows)}\n\n{text}"


def _cell(results: Results, name: str, questions: str, *, own: bool) -> str:
    change = change_of(results, name, questions)
    mean = f"**{change.after.mean:.3f}**" if own else f"{change.after.mean:.3f}"
    text = f"{mean} [{change.after.low:.2f}, {change.after.high:.2f}]"
    if len(change.seeds) > 1:
        text += f"<br>{min(change.seeds):.2f} to {max(change.seeds):.2f}"
    return text


def draw(results: Results, path: Path) -> None:
    """Draws the matrix of gains, with the scores in its cells."""
    names = known(results, results["runs"])
    changes = [[change_of(results, name, each) for each in QUESTIONS] for name in names]
    gains = [[change.gain for change in row] for row in changes]
    figure = new_figure(1.5 * len(QUESTIONS) + 3, 0.62 * len(names) + 2)
    axis = figure.subplots()
    image = axis.imshow(gains, cmap="RdBu", vmin=-0.7, vmax=0.7, aspect="auto")
    for row, line in enumerate(changes):
        for column, change in enumerate(line):
            strong = abs(change.gain) > 0.45
            axis.text(
                column,
                row,
                f"{change.before.mean:.2f} → {change.after.mean:.2f}",
                ha="center",
                va="center",
                fontsize=9.5,
                color="white" if strong else "black",
            )
    axis.set_xticks(range(len(QUESTIONS)), [SETS[each].title for each in QUESTIONS], fontsize=9)
    axis.set_yticks(range(len(names)), [_row_title(name) for name in names], fontsize=9)
    axis.set_xlabel("measured on", fontsize=9)
    axis.set_ylabel("trained on", fontsize=9)
    figure.colorbar(image, ax=axis, label="gain", shrink=0.8)
    k = results["options"]["eval_k"]
    save(
        figure,
        path,
        f"Trained on one question set, measured on all: mean@{k} before → after",
        f"{setting_of(results)}; means over seeds",
    )


def _row_title(name: str) -> str:
    trained, reward = name.split()
    title = SETS[trained].title
    return title if reward == "majority" else f"{title},\nreward {reward}"


def main(options: Options) -> None:
    main_of(options, table, draw)


if __name__ == "__main__":
    main(tyro.cli(Options))
