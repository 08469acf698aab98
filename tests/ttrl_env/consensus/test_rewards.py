"""The rewards: majority and its controls, and what holds for every one of them."""

from __future__ import annotations

import numpy as np
import pytest
from env_fakes import NO_ANSWER, boxed, guesses, sums
from hypothesis import given
from hypothesis import strategies as st

from ttrl_benchmarks import SealedLabels, UnknownNameError
from ttrl_env.consensus import (
    REWARDS,
    Ballot,
    Majority,
    Oracle,
    Random,
    Verdict,
    hold_vote,
    resolve_estimator,
)

LABEL_FREE = [name for name in REWARDS if name != "oracle"]
groups = st.builds(guesses, st.integers(1, 24), st.integers(0, 2**32), spread=st.integers(1, 6))


def vote(texts: list[str], question: int = 0, position: int = 0) -> Ballot:
    benchmark = sums()
    return hold_vote(texts, benchmark.questions[question], benchmark, position)


def same(one: Verdict, other: Verdict) -> bool:
    return (
        one.rewards.tobytes() == other.rewards.tobytes()
        and one.pseudo_label == other.pseudo_label
        and one.abstains == other.abstains
    )


@pytest.mark.parametrize("name", REWARDS)
@given(texts=groups, position=st.integers(0, 50))
def test_every_reward_keeps_the_laws(name: str, texts: list[str], position: int) -> None:
    ballot = vote(texts, position=position)
    estimator = resolve_estimator(name, sums())
    verdict = estimator(ballot)
    assert verdict.rewards.shape == (len(texts),)
    assert verdict.rewards.dtype == np.float64
    assert np.isfinite(verdict.rewards).all()
    absent = ballot.classes == -1
    assert (verdict.rewards[absent] == 0).all()  # an absent answer is never paid,
    if absent.all() and name != "oracle":
        assert verdict.pseudo_label is None  # nor does it win
    if verdict.pseudo_label is not None:
        assert 0 <= verdict.pseudo_label < len(ballot.keys)
        # The text of the winning answer scores the most there is.
        assert (verdict.rewards[ballot.classes == verdict.pseudo_label] == 1).all()
    assert same(verdict, estimator(ballot))
    estimator_again = resolve_estimator(name, sums())
    assert same(verdict, estimator_again(ballot))


@pytest.mark.parametrize("name", LABEL_FREE)
@given(texts=groups, position=st.integers(0, 50))
def test_deleting_every_label_changes_nothing(name: str, texts: list[str], position: int) -> None:
    verdicts = []
    for benchmark in (sums(), sums().unlabeled()):
        ballot = hold_vote(texts, benchmark.questions[0], benchmark, position)
        verdicts.append(resolve_estimator(name, benchmark)(ballot))
    assert same(*verdicts)


@pytest.mark.parametrize("name", LABEL_FREE)
def test_no_label_is_even_looked_at(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken_seal(self: SealedLabels, question_id: str) -> str:
        raise AssertionError(f"the label of {question_id} was read")

    monkeypatch.setattr(SealedLabels, "reveal", broken_seal)
    resolve_estimator(name, sums())(vote([boxed(1), boxed(2)]))
    with pytest.raises(AssertionError, match="the label of sum-0 was read"):
        resolve_estimator("oracle", sums())(vote([boxed(1)]))


@given(groups)
def test_majority_is_the_mode_and_ties_go_to_the_first(texts: list[str]) -> None:
    ballot = vote(texts)
    verdict = Majority()(ballot)
    if not len(ballot.counts):
        assert verdict.abstains
        assert verdict.pseudo_label is None
        assert not verdict.rewards.any()
        return
    most = max(ballot.counts)
    winner = next(c for c in ballot.classes if c >= 0 and ballot.counts[c] == most)
    assert verdict.pseudo_label == winner
    assert verdict.rewards.tolist() == (ballot.classes == winner).astype(float).tolist()
    assert not verdict.abstains


def test_many_absent_answers_do_not_outvote_one() -> None:
    ballot = vote([NO_ANSWER] * 9 + [boxed(4)])
    verdict = Majority()(ballot)
    assert ballot.answer_of(verdict.pseudo_label) == "4"
    assert ballot.majority_ratio == 0.1  # the absent stay in the denominator
    assert verdict.rewards.tolist() == [0.0] * 9 + [1.0]


def test_the_oracle_pays_the_label_whatever_the_vote() -> None:
    oracle = resolve_estimator("oracle", sums())
    ballot = vote([boxed(9), boxed(9), boxed("03")], question=2)
    assert oracle(ballot).rewards.tolist() == [0, 0, 1]
    assert ballot.answer_of(oracle(ballot).pseudo_label) == "03"
    nobody = oracle(vote([boxed(9), boxed(9)], question=2))
    assert nobody.pseudo_label is None
    assert not nobody.rewards.any()
    assert not nobody.abstains


def test_the_oracle_abstains_without_a_label() -> None:
    oracle = Oracle(sums(labelled=False).labels, "integer")
    verdict = oracle(vote([boxed(1)]))
    assert verdict.abstains
    assert not verdict.rewards.any()


def test_random_is_a_fair_coin_of_seed_and_visit() -> None:
    texts = [boxed(1)] * 50
    by_visit = [Random()(vote(texts, position=p)).rewards for p in range(40)]
    assert 0.45 < np.mean(by_visit) < 0.55
    assert len({rewards.tobytes() for rewards in by_visit}) == 40
    assert not np.array_equal(Random(seed=1)(vote(texts)).rewards, by_visit[0])
    assert Random(probability=1)(vote(texts)).rewards.all()
    with pytest.raises(ValueError, match=r"not 1\.5"):
        Random(probability=1.5)


def test_names_and_estimators_are_resolved() -> None:
    assert isinstance(resolve_estimator("majority", sums()), Majority)
    mine = Majority()
    assert resolve_estimator(mine, sums()) is mine
    with pytest.raises(UnknownNameError, match="Did you mean 'majority'"):
        resolve_estimator("majorty", sums())
    with pytest.raises(TypeError, match="not 7"):
        resolve_estimator(7, sums())  # type: ignore[arg-type]


def test_they_print_what_they_are_and_no_label() -> None:
    assert repr(Majority()) == "Majority()"
    assert repr(Random(3)) == "Random(seed=3, probability=0.5)"
    assert repr(resolve_estimator("oracle", sums())) == "Oracle(<5 sealed labels>)"
