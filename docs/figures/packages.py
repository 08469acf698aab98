"""The picture of the three packages: what each has, and what it may import.

Writes `docs/images/packages.svg`. The arrows are those of the source: a test reads the imports.

    python docs/figures/packages.py
"""

from __future__ import annotations

from drawing import COLORS, FAINT, WIDTH, Sheet, write

PACKAGES = (
    ("ttrl_benchmarks", ("questions,", "sealed labels"), "NumPy, PyArrow"),
    ("ttrl_env", ("environments, answers,", "votes, rewards"), "Gymnasium, SymPy"),
    ("ttrl_agents", ("sampling, learning,", "evaluation, ttrl"), "PyTorch, Transformers"),
)
# Who imports whom.
ARROWS = (
    ("ttrl_env", "ttrl_benchmarks"),
    ("ttrl_agents", "ttrl_env"),
    ("ttrl_agents", "ttrl_benchmarks"),
)
HEIGHT, GAP, TOP = 96, 44, 50


def picture() -> str:
    """Returns the picture as SVG."""
    sheet = Sheet("The packages ttrl_benchmarks, ttrl_env and ttrl_agents, and their imports", 442)
    sheet.text(WIDTH / 2, 24, "Three packages, one direction", size=19, bold=True)
    tops = {name: TOP + i * (HEIGHT + GAP) for i, (name, _, _) in enumerate(PACKAGES)}
    for (name, words, needs), color in zip(PACKAGES, COLORS, strict=False):
        y = tops[name]
        sheet.box(70, y, 420, HEIGHT, color=color, fill="#f7f9fb")
        sheet.text(86, y + 30, name, size=18, color=color, anchor="start", bold=True)
        for i, line in enumerate(words):
            sheet.text(86, y + 56 + 22 * i, line, anchor="start")
        sheet.text(476, y + 30, needs, size=15, color=FAINT, anchor="end")
    for importer, imported in ARROWS:
        start, end = tops[importer], tops[imported] + HEIGHT
        if start - end == GAP:
            sheet.arrow(f"M {WIDTH / 2} {start - 3} V {end + 6}", FAINT)
            sheet.text(WIDTH / 2 + 14, start - 16, "imports", size=15, color=FAINT, anchor="start")
        else:
            sheet.arrow(f"M 496 {start + 48} H 528 V {end - 48} H 496", FAINT)
    return sheet.svg()


if __name__ == "__main__":
    write("packages.svg", picture())
