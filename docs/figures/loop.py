"""The picture of the loop: a question, its completions, the vote, the rewards, the update.

Writes `docs/images/loop.svg`. The votes and rewards in it are those of the environment: the answers
below are played, nothing is drawn by hand.

    python docs/figures/loop.py
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from html import escape
from pathlib import Path

import gymnasium as gym

import ttrl_env  # noqa: F401 - registers the environments

ANSWERS = (
    *("37", "35", "37", "37"),
    *("27", "37", "none", "37"),
    *("35", "37", "37", "27"),
    *("37", "35", "37", "37"),
)
TARGET = Path(__file__).parents[1] / "images" / "loop.svg"

WIDTH, HEIGHT = 1000, 330
INK, FAINT, LINE = "#1f2933", "#5b6773", "#9aa5b1"
AGREES, DIFFERS, ABSENT, MODEL = "#1f7a4d", "#b4552d", "#8a94a0", "#1f5fa8"
TOP, CELL = 92, 34  # of the boxes and of one completion

SHEET = f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" \
height="{HEIGHT}" font-family="Helvetica, Arial, sans-serif" role="img">
<title>A question, 16 completions, the tally of their answers, the pseudo-label, the rewards and \
the update of the model</title>
<defs><marker id="tip" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="5" markerHeight="5" \
orient="auto"><path d="M 0 0 L 8 4 L 0 8 z" fill="{FAINT}"/></marker></defs>
<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>
{{parts}}
</svg>
"""


def play() -> tuple[list[float], str]:
    """Plays the answers as one group, and returns their rewards and the pseudo-label."""
    votes = len(ANSWERS)
    envs = gym.make_vec("TTRL-Arithmetic-v0", num_envs=votes, group_size=votes)
    envs.reset(seed=0)
    completions = ["I give up" if each == "none" else f"\\boxed{{{each}}}" for each in ANSWERS]
    _, rewards, _, _, infos = envs.step(completions)
    return rewards.tolist(), str(infos["final_info"]["consensus"][0])


def text(
    x: float, y: float, words: str, *, size: int = 13, color: str = INK, anchor: str = "middle"
) -> str:
    """Returns one line of text."""
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size}" fill="{color}" '
        f'text-anchor="{anchor}">{escape(words)}</text>'
    )


def box(x: float, y: float, width: float, height: float, *, color: str, fill: str = "#fff") -> str:
    """Returns a rounded box."""
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6" '
        f'fill="{fill}" stroke="{color}"/>'
    )


def arrow(path: str, color: str = LINE) -> str:
    """Returns a line that ends in an arrowhead."""
    return (
        f'<path d="{path}" fill="none" stroke="{color}" stroke-width="2" marker-end="url(#tip)"/>'
    )


def color_of(answer: str, winner: str) -> str:
    """Returns the colour of an answer: agrees, differs, or absent."""
    if answer == "none":
        return ABSENT
    return AGREES if answer == winner else DIFFERS


def grid(x: float, cells: list[tuple[str, str]]) -> Iterator[str]:
    """Yields four rows of four cells, each with its words and colour."""
    for i, (words, color) in enumerate(cells):
        left, top = x + CELL * (i % 4), TOP + CELL * (i // 4)
        yield box(left, top, CELL - 4, CELL - 4, color=color)
        yield text(left + CELL / 2 - 2, top + 20, words, size=12, color=color)


def tally(x: float, winner: str) -> Iterator[str]:
    """Yields a bar for each answer, the most frequent first."""
    counts = Counter(ANSWERS).most_common()
    for row, (answer, count) in enumerate(counts):
        y, color = TOP + CELL * row, color_of(answer, winner)
        yield text(x + 32, y + 20, "–" if answer == "none" else answer, color=color, anchor="end")
        yield (
            f'<rect x="{x + 40:g}" y="{y + 4}" width="{9 * count}" height="22" rx="3" '
            f'fill="{color}"/>'
        )
        yield text(x + 48 + 9 * count, y + 20, str(count), color=color, anchor="start")


def heading(x: float, words: str) -> str:
    """Returns the title of a column."""
    return text(x, 62, words, size=14)


def picture() -> str:
    """Returns the picture as SVG."""
    rewards, winner = play()
    share = ANSWERS.count(winner)
    agrees = [AGREES if reward else DIFFERS for reward in rewards]
    completions = [("–" if each == "none" else each, color_of(each, winner)) for each in ANSWERS]
    middle = TOP + 2 * CELL - 2
    parts = [
        text(WIDTH / 2, 28, "TTRL: reinforcement learning from the model's own votes", size=17),
        heading(79, "question"),
        box(8, TOP, 142, 4 * CELL - 4, color=LINE),
        *(
            text(16, TOP + 26 + 20 * i, line, size=12, anchor="start")
            for i, line in enumerate(
                (
                    "Omar saves 8 dollars",
                    "a week for 5 weeks,",
                    "… How many dollars",
                    "are left?",
                )
            )
        ),
        text(79, TOP + 118, "no label is needed", size=12, color=FAINT),
        arrow(f"M 154 {middle} H 174"),
        heading(217, "model"),
        box(180, middle - 30, 74, 60, color=MODEL, fill="#e8f0fa"),
        text(217, middle + 5, "policy", color=MODEL),
        arrow(f"M 258 {middle} H 280"),
        heading(356, f"{len(ANSWERS)} completions"),
        *grid(290, completions),
        arrow(f"M 432 {middle} H 452"),
        heading(536, "tally of the votes"),
        *tally(456, winner),
        arrow(f"M 632 {middle} H 652"),
        heading(718, "pseudo-label"),
        box(664, middle - 36, 108, 72, color=AGREES, fill="#e7f4ed"),
        text(718, middle - 2, winner, size=26, color=AGREES),
        text(718, middle + 22, f"{share} of {len(ANSWERS)} votes", size=12, color=FAINT),
        arrow(f"M 778 {middle} H 800"),
        heading(880, "rewards"),
        *grid(812, [(f"{reward:g}", color) for reward, color in zip(rewards, agrees, strict=True)]),
        arrow(f"M 880 {TOP + 4 * CELL + 6} V 280 H 217 V {middle + 40}", MODEL),
        text(
            548,
            272,
            "policy-gradient update: what agrees with the majority becomes likelier",
            color=MODEL,
        ),
        text(548, 300, "repeat with the next questions", size=12, color=FAINT),
    ]
    return SHEET.format(parts="\n".join(parts))


if __name__ == "__main__":
    TARGET.write_text(picture(), encoding="utf-8")
