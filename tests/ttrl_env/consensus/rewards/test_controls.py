"""The controls: labels, coins, format, nothing."""

from __future__ import annotations

import numpy as np
import pytest
from env_fakes import NO_ANSWER, boxed, sums, vote

from ttrl_env import Completion
from ttrl_env.consensus import Constant, FormatOnly, Oracle, Random, resolve_estimator


def test_the_oracle_pays_the_label_whatever_the_vote() -> None:
    oracle = resolve_estimator("oracle", sums())
    ballot = vote([boxed(9), boxed(9), boxed("03")], question=2)
    assert oracle(ballot).rewards.tolist() == [0, 0, 1]
    assert ballot.answer_of(oracle(ballot).pseudo_label) == "03"
    nobody = oracle(vote([boxed(9), boxed(9)], question=2))
    assert nobody.pseudo_label is None
    assert not nobody.rewards.any()
    assert not nobody.abstains


def test_the_oracle_abstains_without_a_label_and_prints_none() -> None:
    oracle = Oracle(sums(labelled=False).labels, "integer")
    verdict = oracle(vote([boxed(1)]))
    assert verdict.abstains
    assert not verdict.rewards.any()
    assert repr(resolve_estimator("oracle", sums())) == "Oracle(<5 sealed labels>)"


def test_random_is_a_fair_coin_of_seed_and_visit() -> None:
    texts = [boxed(1)] * 50
    by_visit = [Random()(vote(texts, position=p)).rewards for p in range(40)]
    assert 0.45 < np.mean(by_visit) < 0.55
    assert len({rewards.tobytes() for rewards in by_visit}) == 40
    assert not np.array_equal(Random(seed=1)(vote(texts)).rewards, by_visit[0])
    assert Random(probability=1)(vote(texts)).rewards.all()
    with pytest.raises(ValueError, match=r"not 1\.5"):
        Random(probability=1.5)


def test_format_only_pays_any_answer_that_was_finished() -> None:
    cut = Completion(boxed(3), finished=False)
    ballot = vote([boxed(1), boxed(2), cut, NO_ANSWER])
    assert FormatOnly()(ballot).rewards.tolist() == [1, 1, 0, 0]


def test_constant_pays_nobody() -> None:
    verdict = Constant()(vote([boxed(1), boxed(2)]))
    assert verdict.rewards.tolist() == [0, 0]
    assert not verdict.abstains
