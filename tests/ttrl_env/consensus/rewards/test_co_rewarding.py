"""Co-rewarding: each wording is judged by the other's majority."""

from __future__ import annotations

import numpy as np
from env_fakes import vote_of

from ttrl_env.consensus import CoRewarding

HALVES = [0, 0, 0, 0, 1, 1, 1, 1]


def test_each_half_is_judged_by_the_other() -> None:
    # The first half elects 1, the second 2.
    ballot = vote_of([1, 1, 2, 3, 2, 2, 2, 1], variants=HALVES)
    verdict = CoRewarding()(ballot)
    assert verdict.rewards.tolist() == [0, 0, 1, 0, 0, 0, 0, 1]
    assert verdict.pseudo_label is None
    np.testing.assert_allclose(
        verdict.advantages, [-0.5, -0.5, 1.5, -0.5, -0.5, -0.5, -0.5, 1.5], rtol=1e-5
    )
    plain = CoRewarding(scale_by_std=False)(ballot)
    assert plain.advantages is not None
    assert plain.advantages.tolist() == [-0.25, -0.25, 0.75, -0.25] * 1 + [-0.25] * 3 + [0.75]


def test_halves_that_agree_name_a_pseudo_label() -> None:
    verdict = CoRewarding()(vote_of([1, 1, 1, 2, 1, 1, -1, 3], variants=HALVES))
    assert verdict.pseudo_label == 0
    assert verdict.rewards.tolist() == [1, 1, 1, 0, 1, 1, 0, 0]


def test_a_silent_half_pays_nothing() -> None:
    verdict = CoRewarding()(vote_of([1, 1, 1, 2, -1, -1, -1, -1], variants=HALVES))
    assert not verdict.rewards.any()
    assert not verdict.abstains
