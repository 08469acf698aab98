"""M-GRPO's filter: what lies far below the other entropies teaches nothing."""

from __future__ import annotations

import numpy as np
import pytest
from env_fakes import vote_of

from ttrl_env.consensus import EntropyFilter, HeldVote, Majority, SoftMajority
from ttrl_env.consensus.rewards.entropy_shaped import EntropyShaped

VALUES = [1, 1, 1, 2, 2]
# Quartiles 0.4 and 0.6: what is below 0.4 - 0.75 * 0.2 = 0.25 is left out.
ENTROPIES = [[0.2, 0.2], [0.4], [0.5], [0.6], [0.9]]


def test_a_low_entropy_weighs_nothing() -> None:
    ballot = vote_of(VALUES, entropies=ENTROPIES)
    verdict = EntropyFilter()(ballot)
    assert verdict.weights is not None
    assert verdict.weights.tolist() == [0, 1, 1, 1, 1]
    assert verdict.rewards.tolist() == [1, 1, 1, 0, 0]  # it votes all the same
    assert verdict.pseudo_label == 0


@pytest.mark.parametrize(("factor", "low"), [(0.0, 1), (0.9, 1), (1.1, 0)])
def test_the_factor_moves_the_bar(factor: float, low: int) -> None:
    verdict = EntropyFilter(factor=factor)(vote_of(VALUES, entropies=ENTROPIES))
    weights = np.ones(5) if verdict.weights is None else verdict.weights
    assert int((weights == 0).sum()) == low


def test_where_none_is_low_it_is_the_other_reward() -> None:
    ballot = vote_of(VALUES, entropies=[[0.5]] * 5)
    verdict = EntropyFilter(SoftMajority())(ballot)
    assert verdict.weights is None
    assert verdict.rewards.tolist() == SoftMajority()(ballot).rewards.tolist()


def test_weights_of_the_other_reward_are_kept() -> None:
    ballot = vote_of(VALUES, entropies=ENTROPIES)
    inner = EntropyShaped()(ballot).weights
    weights = EntropyFilter(EntropyShaped())(ballot).weights
    assert inner is not None
    assert weights is not None
    assert weights.tolist() == [0, *inner[1:]]


def test_it_needs_entropies_whatever_is_inside_and_remembers_what_that_does() -> None:
    assert EntropyFilter(Majority()).needs_token_statistics
    one = EntropyFilter(HeldVote(every=3))
    one(vote_of(VALUES, entropies=ENTROPIES))
    other = EntropyFilter(HeldVote(every=3))
    other.load_state_dict(one.state_dict())
    assert other.state_dict() == one.state_dict() != {}


@pytest.mark.parametrize("options", [{"factor": -1}, {"factor": "low"}, {"inner": "majority"}])
def test_options_out_of_range_are_named(options: dict) -> None:
    with pytest.raises(ValueError, match="must be"):
        EntropyFilter(**options)


def test_of_two_nothing_lies_far_below() -> None:
    for low in (0.0, 0.5, 0.99):
        verdict = EntropyFilter()(vote_of([1, 2], entropies=[[low], [1.0]]))
        assert verdict.weights is None
    verdict = EntropyFilter()(vote_of([1, 2, 3], entropies=[[0.0], [1.0], [1.0]]))
    assert verdict.weights is not None
    assert verdict.weights.tolist() == [0, 1, 1]
