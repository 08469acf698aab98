"""SCRL: asymmetric thresholds."""

from __future__ import annotations

import numpy as np
import pytest
from env_fakes import vote_of

from ttrl_env.consensus import SCRL

# 16 votes: 8 for 1 (p = .5), 5 for 2 (.3125), 1 each for 3 and 4 (.0625), one absent.
VALUES = [1] * 8 + [2] * 5 + [3, 4, -1]
ENTROPIES = [[0.2]] * 8 + [[0.4]] * 5 + [[0.9], [0.1], [0.5]]  # mean 5.1 / 16 = 0.31875


def test_a_firm_majority_and_a_rare_unsure_answer() -> None:
    ballot = vote_of(VALUES, entropies=ENTROPIES)
    verdict = SCRL()(ballot)
    # 3 is rare and unsure; 4 is rare, but sure; the absent answer is punished.
    assert verdict.rewards.tolist() == [1] * 8 + [0] * 5 + [-1, 0, -1]
    assert verdict.pseudo_label == 0


@pytest.mark.parametrize(
    "options", [{"min_ratio": 0.51}, {"min_margin": 0.1875}, {"min_ratio": 0.6, "min_margin": 0}]
)
def test_a_weak_majority_is_not_paid(options: dict[str, float]) -> None:
    verdict = SCRL(**options)(vote_of(VALUES, entropies=ENTROPIES))  # type: ignore[arg-type]
    assert verdict.rewards.tolist() == [0] * 13 + [-1, 0, -1]
    assert verdict.pseudo_label is None


def test_a_tie_is_no_majority() -> None:
    verdict = SCRL(min_margin=0, min_ratio=0)(vote_of([1, 2], entropies=[[1.0], [1.0]]))
    assert verdict.pseudo_label is None


def test_the_continuous_mode_grades() -> None:
    ballot = vote_of(VALUES, entropies=ENTROPIES)
    verdict = SCRL(mode="continuous")(ballot)
    excess = np.array([0.2, 0.4, 0.9, 0.1], dtype=np.float32) - 5.1 / 16
    expected = np.array([0.5, 0, 0.0625 - 0.125, 0]) - 0.1 * excess
    np.testing.assert_allclose(verdict.rewards[[0, 8, 13, 14]], expected, atol=1e-7)
    assert verdict.rewards[15] == -1
