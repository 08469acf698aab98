"""ETTRL's reshaping of another reward's advantages."""

from __future__ import annotations

import numpy as np
import pytest
from env_fakes import vote_of

from ttrl_env.consensus import DDRL, RESTRAIN, EntropyShaped, Majority, Verdict

VALUES = [1, 1, 1, 2]


def test_sure_completions_teach_more() -> None:
    ballot = vote_of(VALUES, entropies=[[0.1], [0.3], [0.2], [0.2]])  # mean 0.2
    verdict = EntropyShaped()(ballot)
    assert verdict.rewards.tolist() == [1, 1, 1, 0]
    np.testing.assert_allclose(verdict.weights, [1.5, 0.5, 1, 1], rtol=1e-6)
    assert verdict.advantages is None


def test_a_weight_does_not_turn_an_advantage_round() -> None:
    verdict = EntropyShaped()(vote_of([1, 1, 1, 1], entropies=[[0.0], [0.0], [0.0], [4.0]]))
    np.testing.assert_allclose(verdict.weights, [2, 2, 2, 0])
    assert EntropyShaped()(vote_of([1, 1], entropies=[[0.0], [0.0]])).weights is None


def test_weights_of_the_other_reward_count_too() -> None:
    def weighted(ballot: object) -> Verdict:
        return Verdict(np.zeros(2), None, weights=np.array([2.0, 3.0]))

    shaped = EntropyShaped(weighted)
    verdict = shaped(vote_of([1, 1], entropies=[[1.0], [3.0]]))
    np.testing.assert_allclose(verdict.weights, [2 * 1.5, 3 * 0.5])


def test_clipping() -> None:
    # The group-relative advantages are 0.5, 0.5, 0.5 and -1.5.
    verdict = EntropyShaped(mode="clip", limit=1)(vote_of(VALUES))
    np.testing.assert_allclose(verdict.advantages, [0.5, 0.5, 0.5, -1], rtol=1e-5)
    assert verdict.weights is None
    own = EntropyShaped(DDRL(keep=1), "clip", limit=0.25)(vote_of(VALUES))
    np.testing.assert_allclose(own.advantages, [0.25, 0.25, 0.25, -0.25])
    assert EntropyShaped(mode="clip").needs_token_statistics is False


def test_the_other_rewards_memory_is_its_own() -> None:
    shaped = EntropyShaped(RESTRAIN(prompt_weight="first_vote"), mode="clip")
    shaped(vote_of(VALUES))
    assert shaped.state_dict() == shaped.inner.state_dict() != {}  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match=r"Majority.*keeps no state.*first"):
        EntropyShaped(Majority()).load_state_dict(shaped.state_dict())
