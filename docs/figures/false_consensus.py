"""The picture of one false consensus: the votes on a question, visit by visit.

Draws `docs/images/false_consensus.svg` from the recorded votes of a run, which it keeps in
`false_consensus.json`, beside this file. To record them anew:

    ttrl train --output runs/main
    python docs/figures/false_consensus.py runs/main train-0-L3-008

and to draw again what was recorded:

    python docs/figures/false_consensus.py
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from textwrap import wrap
from typing import Any

from drawing import COLORS, FAINT, INK, WIDTH, Axis, Chart, Sheet, write

from ttrl_agents.run.votes import read_votes
from ttrl_benchmarks import load_benchmark

RECORDED = Path(__file__).with_suffix(".json")
RIGHT, WRONG, OTHER = COLORS[2], COLORS[1], "#c5ccd3"


def record(run: Path, question_id: str) -> dict[str, Any]:
    """Returns the votes on one question of a run, with its label.

    Args:
        run: The directory of the run.
        question_id: The question.
    """
    config = json.loads((run / "config.json").read_text(encoding="utf-8"))
    benchmark = load_benchmark("arithmetic")
    (question,) = (each for each in benchmark.questions if each.id == question_id)
    return {
        "question": question.text,
        "label": benchmark.labels.reveal(question_id),
        "model": config["model"],
        "seed": config["seed"],
        "temperature": config["temperature"],
        "visits": [
            {"step": group.step, "votes": {each.key: each.count for each in group.answers}}
            for group in read_votes(run)
            if group.question_id == question_id
        ],
    }


def picture() -> str:
    """Returns the picture as SVG."""
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    label, visits = recorded["label"], recorded["visits"]
    totals: Counter[str] = Counter()
    for visit in visits:
        totals.update(visit["votes"])
    wrong = next(answer for answer, _ in totals.most_common() if answer != label)
    sheet = Sheet(
        f"The votes on one question over a run: the right answer {label} leads at first and then "
        f"loses to {wrong}",
        462,
    )
    sheet.text(WIDTH / 2, 24, "A false consensus, visit by visit", size=19, bold=True)
    size = max(sum(visit["votes"].values()) for visit in visits)
    chart = Chart(
        sheet,
        46,
        92,
        WIDTH - 66,
        280,
        Axis(0, len(visits) + 0.5, (), ""),
        Axis(0, size, range(0, size + 1, 4), "votes"),
    )
    for i, visit in enumerate(visits):
        votes = visit["votes"]
        parts = ((votes.get(wrong, 0), WRONG), (votes.get(label, 0), RIGHT))
        others = sum(votes.values()) - sum(count for count, _ in parts)
        below = 0
        for count, color in (*parts, (others, OTHER)):
            x, top = chart.at(i + 0.75, below + count)
            _, bottom = chart.at(i + 0.75, below)
            if count:
                sheet.box(x - 22, top, 44, bottom - top, color="#fff", fill=color, corner=0)
            if count and color != OTHER:
                sheet.text(x, (top + bottom) / 2 + 5, str(count), size=15, color="#fff")
            below += count
        sheet.text(x, 393, str(visit["step"]), size=15, color=FAINT)
    for x, color, words in (
        (46, WRONG, f"{wrong}, wrong"),
        (204, RIGHT, f"{label}, right"),
        (356, OTHER, "all others"),
    ):
        sheet.box(x, 46, 18, 18, color=color, fill=color, corner=3)
        sheet.text(x + 26, 60, words, anchor="start", color=INK)
    sheet.text(46 + (WIDTH - 66) / 2, 414, "training step of the visit", size=15, color=FAINT)
    for i, line in enumerate(wrap(recorded["question"], 60)):
        sheet.text(WIDTH / 2, 446 + 20 * i, line, size=15)
    return sheet.svg()


if __name__ == "__main__":
    if sys.argv[1:]:
        made = record(Path(sys.argv[1]), sys.argv[2])
        RECORDED.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
    write("false_consensus.svg", picture())
