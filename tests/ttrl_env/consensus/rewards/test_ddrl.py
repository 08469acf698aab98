"""DDRL: the most frequent against the rarest."""

from __future__ import annotations

import pytest
from env_fakes import vote_of

from ttrl_env.consensus import DDRL


@pytest.mark.parametrize(
    ("values", "advantages"),
    [
        # K = 4: two of the majority's three, as shares, and the two rarest; 2 lies between.
        ([1, 1, 1, 2, 2, 3, 4, 2], [2 / 3, 2 / 3, 2 / 3, 0, 0, -1, -1, 0]),
        # The majority has one vote of K / 2 = 2: one positive, three negatives.
        ([5, 6, 7, 8, -1, -1, -1, -1], [1, 0, 0, 0, -0.75, -0.75, -0.75, -0.75]),
        # An absent answer is rarer than any.
        ([1, 1, 1, 1, 2, 2, 2, -1], [0.5] * 4 + [-1 / 3] * 3 + [-1]),
        # Unanimous: two of eight, and no negatives.
        ([1] * 8, [0.25] * 8),
    ],
)
def test_fixed_advantages(values: list[int], advantages: list[float]) -> None:
    verdict = DDRL()(vote_of(values))
    assert verdict.advantages is not None
    assert verdict.rewards.tolist() == [float(value == values[0]) for value in values]
    assert verdict.advantages.tolist() == pytest.approx(advantages)


def test_all_of_a_group_can_train() -> None:
    verdict = DDRL(keep=1)(vote_of([1, 1, 2, -1]))
    assert verdict.advantages is not None
    assert verdict.advantages.tolist() == [1, 1, -1, -1]
