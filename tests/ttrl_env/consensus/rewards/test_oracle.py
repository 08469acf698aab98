"""The oracle: the label is rewarded, whatever the vote."""

from __future__ import annotations

from env_fakes import boxed, sums, vote

from ttrl_env.consensus import Oracle, resolve_estimator


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
    oracle = Oracle(sums(labelled=False))
    verdict = oracle(vote([boxed(1)]))
    assert verdict.abstains
    assert not verdict.rewards.any()
    assert repr(resolve_estimator("oracle", sums())) == "Oracle(<5 sealed labels>)"
