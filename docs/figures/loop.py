"""The picture of the loop: a question, its completions, the vote, the rewards, the update.

Writes `docs/images/loop.svg`. The votes and rewards in it are those of the environment: the answers
below are played, nothing is drawn by hand.

    python docs/figures/loop.py
"""

from __future__ import annotations

from collections import Counter

import gymnasium as gym
from drawing import FAINT, LINE, WIDTH, Sheet, write

import ttrl_env  # noqa: F401 - registers the environments

ANSWERS = (
    *("37", "35", "37", "37"),
    *("27", "37", "none", "37"),
    *("35", "37", "37", "27"),
    *("37", "35", "37", "37"),
)
QUESTION = ("Omar saves 8", "dollars a week for", "5 weeks, …", "How many dollars", "are left?")
AGREES, DIFFERS, ABSENT, MODEL = "#1f7a4d", "#b4552d", "#6b7580", "#1f5fa8"
CELL = 36  # of a completion
FIRST, SECOND = 60, 296  # where the two rows begin


def play() -> tuple[list[float], str]:
    """Plays the answers as one group, and returns their rewards and the pseudo-label."""
    votes = len(ANSWERS)
    envs = gym.make_vec("TTRL-Arithmetic-v0", num_envs=votes, group_size=votes)
    envs.reset(seed=0)
    completions = ["I give up" if each == "none" else f"\\boxed{{{each}}}" for each in ANSWERS]
    _, rewards, _, _, infos = envs.step(completions)
    return rewards.tolist(), str(infos["final_info"]["consensus"][0])


def color_of(answer: str, winner: str) -> str:
    """Returns the colour of an answer: agrees, differs, or absent."""
    if answer == "none":
        return ABSENT
    return AGREES if answer == winner else DIFFERS


def grid(sheet: Sheet, x: float, y: float, cells: list[tuple[str, str]]) -> None:
    """Draws four rows of four cells, each with its words and colour."""
    for i, (words, color) in enumerate(cells):
        left, top = x + CELL * (i % 4), y + CELL * (i // 4)
        sheet.box(left, top, CELL - 4, CELL - 4, color=color)
        sheet.text(left + CELL / 2 - 2, top + 22, words, color=color)


def tally(sheet: Sheet, x: float, y: float, winner: str) -> None:
    """Draws a bar for each answer, the most frequent first."""
    for row, (answer, count) in enumerate(Counter(ANSWERS).most_common()):
        top, color = y + CELL * row, color_of(answer, winner)
        sheet.text(x + 26, top + 22, "–" if answer == "none" else answer, color=color, anchor="end")
        sheet.box(x + 34, top + 4, 9 * count, 24, color=color, fill=color, corner=3)
        sheet.text(x + 42 + 9 * count, top + 22, str(count), color=color, anchor="start")


def picture() -> str:
    """Returns the picture as SVG."""
    rewards, winner = play()
    share = ANSWERS.count(winner)
    sheet = Sheet(
        "A question, 16 completions, the tally of their answers, the pseudo-label, the rewards and "
        "the update of the model",
        510,
    )
    sheet.text(WIDTH / 2, 24, "Learning from the model's own votes", size=19, bold=True)
    middle = FIRST + 2 * CELL + 18
    sheet.text(88, FIRST, "question", bold=True)
    sheet.box(6, FIRST + 16, 170, 144)
    for i, line in enumerate(QUESTION):
        sheet.text(16, FIRST + 38 + 20 * i, line, anchor="start")
    sheet.text(90, FIRST + 150, "no label is needed", size=15, color=FAINT)
    sheet.arrow(f"M 180 {middle} H 206")
    sheet.text(258, FIRST, "model", bold=True)
    sheet.box(212, middle - 36, 92, 72, color=MODEL, fill="#e8f0fa")
    sheet.text(258, middle + 6, "policy", color=MODEL)
    sheet.arrow(f"M 308 {middle} H 390")
    sheet.text(348, middle - 12, "samples", size=15, color=FAINT)
    sheet.text(468, FIRST, f"{len(ANSWERS)} completions", bold=True)
    cells = [("–" if each == "none" else each, color_of(each, winner)) for each in ANSWERS]
    grid(sheet, 398, FIRST + 18, cells)

    middle = SECOND + 2 * CELL + 18
    sheet.arrow(f"M 468 {FIRST + 4 * CELL + 20} V {SECOND - 18}")
    sheet.text(460, FIRST + 4 * CELL + 46, "count the answers", size=15, color=FAINT, anchor="end")
    sheet.text(468, SECOND, "tally of the votes", bold=True)
    tally(sheet, 398, SECOND + 18, winner)
    sheet.arrow(f"M 394 {middle} H 348")
    sheet.text(282, SECOND, "pseudo-label", bold=True)
    sheet.box(222, middle - 40, 120, 80, color=AGREES, fill="#e7f4ed")
    sheet.text(282, middle, winner, size=28, color=AGREES, bold=True)
    sheet.text(282, middle + 26, f"{share} of {len(ANSWERS)} votes", size=15, color=FAINT)
    sheet.arrow(f"M 216 {middle} H 162")
    sheet.text(78, SECOND, "rewards", bold=True)
    paid = zip(rewards, (AGREES if reward else DIFFERS for reward in rewards), strict=True)
    grid(sheet, 8, SECOND + 18, [(f"{reward:g}", color) for reward, color in paid])
    sheet.arrow(f"M 150 {SECOND - 6} C 190 {SECOND - 50} 258 {SECOND - 40} 258 192", MODEL)
    sheet.text(20, SECOND - 44, "update: what agrees", size=15, color=MODEL, anchor="start")
    sheet.text(20, SECOND - 25, "becomes likelier", size=15, color=MODEL, anchor="start")
    sheet.path(f"M 6 {SECOND + 4 * CELL + 30} H {WIDTH - 6}", color=LINE, width=1)
    sheet.text(WIDTH / 2, 496, "then the next questions, and again", size=15, color=FAINT)
    return sheet.svg()


if __name__ == "__main__":
    write("loop.svg", picture())
