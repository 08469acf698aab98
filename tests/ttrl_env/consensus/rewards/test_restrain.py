"""RESTRAIN: every answer counts, and disagreement costs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from env_fakes import boxed, vote, vote_of

from ttrl_env.consensus import RESTRAIN


def test_advantages_are_averaged_over_pseudo_labels() -> None:
    # Shares 3/4 and 1/4; g(3/4) = exp(-1/8), g(1/4) = exp(-9/8) with centre 1 and sigma 1/2.
    weight = 1 / (1 + math.exp(-1))  # of the majority
    verdict = RESTRAIN()(vote_of([1, 1, 1, 2]))
    np.testing.assert_allclose(verdict.rewards, [weight] * 3 + [1 - weight])
    # Under label 1 the advantages are 1/2 and -3/2, under label 2 -1/2 and 3/2 (std = 1/2).
    agree = 0.5 * weight - 0.5 * (1 - weight)
    np.testing.assert_allclose(verdict.advantages, [agree] * 3 + [-3 * agree], rtol=1e-5)
    assert verdict.pseudo_label == 0
    assert verdict.weights is None


def test_a_small_sigma_is_the_majority_reward() -> None:
    verdict = RESTRAIN(sigma=0.01)(vote_of([1, 1, 1, 2]))
    np.testing.assert_allclose(verdict.rewards, [1, 1, 1, 0], atol=1e-12)
    np.testing.assert_allclose(verdict.advantages, [0.5, 0.5, 0.5, -1.5], rtol=1e-5)


def test_scattered_groups_are_pushed_away() -> None:
    verdict = RESTRAIN(min_votes=3, penalty=0.7)(vote_of([1, 1, 2, -1]))
    assert verdict.rewards.tolist() == [0] * 4
    assert verdict.advantages is not None
    assert verdict.advantages.tolist() == [-0.7] * 4
    assert not verdict.abstains
    assert verdict.pseudo_label is None


def test_the_first_vote_weighs_a_question_for_good() -> None:
    estimator = RESTRAIN(prompt_weight="first_vote", min_votes=1)
    half = math.exp(-0.5)  # g(1/2)
    for values in ([1, 2], [1, 1]):
        weights = estimator(vote([boxed(value) for value in values], question=0)).weights
        assert weights is not None
        assert weights.tolist() == pytest.approx([half, half])
    other = estimator(vote([boxed(1), boxed(1)], question=1)).weights
    assert other is not None
    assert other.tolist() == [1, 1]
