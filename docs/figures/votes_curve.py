"""The picture of maj@n and pass@n: what more votes do to two kinds of questions.

Writes `docs/images/votes_curve.svg`. The chances are computed exactly, over all ways in which n
votes can fall; ties go to the first of the tied answers, which is any of them alike.

    python docs/figures/votes_curve.py
"""

from __future__ import annotations

from math import comb, log2

from drawing import COLORS, INK, WIDTH, Axis, Chart, Sheet, write

SIZES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
# How often each answer is given; the first one is right.
QUESTIONS = {
    "right 40 %, the mistakes scatter": (0.40, 0.15, 0.15, 0.15, 0.15),
    "right 40 %, one mistake 50 %": (0.40, 0.50, 0.10),
}


def maj_at(n: int, shares: tuple[float, ...]) -> float:
    """Returns the chance that the most frequent of n answers is the first one.

    Args:
        n: The votes.
        shares: How often each answer is given.

    >>> round(maj_at(1, (0.4, 0.6)), 3), round(maj_at(3, (0.4, 0.6)), 3)
    (0.4, 0.352)
    """
    right, *wrong = shares
    total = 0.0
    for votes in range(1, n + 1):
        # ways[(left, tied)]: the wrong answers so far leave this many votes, and so many tie.
        ways = {(n - votes, 0): comb(n, votes) * right**votes}
        for share in wrong:
            following: dict[tuple[int, int], float] = {}
            for (left, tied), weight in ways.items():
                for count in range(min(left, votes) + 1):
                    key = (left - count, tied + (count == votes))
                    more = weight * comb(left, count) * share**count
                    following[key] = following.get(key, 0.0) + more
            ways = following
        total += sum(weight / (tied + 1) for (left, tied), weight in ways.items() if left == 0)
    return total


def picture() -> str:
    """Returns the picture as SVG."""
    sheet = Sheet(
        "maj@n and pass@n over the number of votes n, for a question whose mistakes scatter and "
        "for one with a systematic mistake",
        400,
    )
    sheet.text(WIDTH / 2, 24, "What more votes do", size=19, bold=True)
    chart = Chart(
        sheet,
        52,
        62,
        WIDTH - 72,
        270,
        Axis(1, 64, (1, 2, 4, 8, 16, 32, 64), "votes n", log2),
        Axis(0, 1, (0, 0.2, 0.4, 0.6, 0.8, 1), "chance of being right"),
    )
    scattered, systematic = QUESTIONS.values()
    chart.curve(((n, 1 - (1 - scattered[0]) ** n) for n in SIZES), color=COLORS[4], dashed=True)
    for shares, color in ((scattered, COLORS[0]), (systematic, COLORS[1])):
        chart.curve(((n, maj_at(n, shares)) for n in SIZES), color=color)
    chart.label(4.4, 0.78, "pass@n", color=COLORS[4])
    chart.label(62, 0.56, "maj@n, mistakes scatter", color=COLORS[0], anchor="end")
    chart.label(6.4, 0.14, "maj@n, one mistake is", color=COLORS[1], anchor="end")
    chart.label(6.4, 0.07, "more frequent", color=COLORS[1], anchor="end")
    chart.label(1.05, 0.325, "mean@n", color=INK)
    chart.curve(((1, 0.4), (64, 0.4)), color=INK, dashed=True)
    return sheet.svg()


if __name__ == "__main__":
    write("votes_curve.svg", picture())
