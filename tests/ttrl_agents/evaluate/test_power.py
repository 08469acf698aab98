"""How many questions a difference needs: the formula against simulated comparisons."""

import math
import re
from pathlib import Path

import numpy as np
import pytest

from ttrl_agents.evaluate import detectable_difference, questions_needed, sign_flip_p_value

PAGE = Path(__file__).parents[3] / "docs" / "evaluation.md"


def test_the_two_are_inverse():
    for difference in (0.01, 0.05, 0.2):
        n = questions_needed(difference, 0.3)
        assert detectable_difference(n, 0.3) <= difference < detectable_difference(n - 1, 0.3)


def test_so_many_questions_show_the_difference_four_times_in_five():
    rng = np.random.default_rng(0)
    n = questions_needed(0.1, math.sqrt(0.24 + 0.25) / math.sqrt(16))
    seen = 0
    for _ in range(300):
        worse, better = rng.binomial(16, 0.4, size=n), rng.binomial(16, 0.5, size=n)
        seen += sign_flip_p_value(better - worse) < 0.05
    assert seen / 300 == pytest.approx(0.8, abs=0.08)


def test_the_table_in_the_documentation_is_computed():
    text = PAGE.read_text(encoding="utf-8")
    deviations = [
        float(each) for each in re.findall(r"s = (0\.\d+)", text.split("\n| x |")[1].split("\n")[0])
    ]
    rows = re.findall(r"^\| (\d+) points \|(.*)\|$", text, re.MULTILINE)
    assert len(rows) >= 4
    for points, cells in rows:
        numbers = [int(cell.replace(",", "")) for cell in cells.split("|")]
        expected = [questions_needed(int(points) / 100, each) for each in deviations]
        assert numbers == expected, points
