"""Self-Harmony: the answer that both wordings lead to."""

from __future__ import annotations

import numpy as np
from env_fakes import vote_of

from ttrl_env.consensus import SelfHarmony

HALVES = [0, 0, 0, 0, 1, 1, 1, 1]


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
