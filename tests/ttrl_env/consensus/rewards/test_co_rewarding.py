"""Co-rewarding and Self-Harmony: votes across two wordings."""

from __future__ import annotations

import numpy as np
from env_fakes import vote_of

from ttrl_env.consensus import CoRewarding, SelfHarmony

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


def test_the_harmonic_mean_prefers_what_both_say() -> None:
    # 1: p = 3/4, p' = 0 -> 0. 2: 1/4 and 2/4 -> 1/3. 3: 0 and 2/4 -> 0.
    ballot = vote_of([1, 1, 1, 2, 2, 2, 3, 3], variants=HALVES)
    verdict = SelfHarmony()(ballot)
    assert ballot.answer_of(verdict.pseudo_label) == "2"
    assert verdict.rewards.tolist() == [0, 0, 0, 1, 1, 1, 0, 0]
    np.testing.assert_allclose(  # by halves: std 1/2, and sqrt(1/3)
        verdict.advantages,
        [-0.5, -0.5, -0.5, 1.5, *(np.array([0.5, 0.5, -0.5, -0.5]) * 3**0.5)],
        rtol=1e-5,
    )
    # 1: 2/4 and 2/4 -> 1/2. 2: 1/4 and 1/4 -> 1/4.
    even = vote_of([2, 1, 1, 3, 1, 1, 2, 4], variants=HALVES)
    assert even.answer_of(SelfHarmony()(even).pseudo_label) == "1"


def test_nothing_in_common_abstains() -> None:
    verdict = SelfHarmony()(vote_of([1, 1, 1, -1, 2, 2, 3, 3], variants=HALVES))
    assert verdict.abstains
    assert verdict.pseudo_label is None
