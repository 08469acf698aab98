"""What holds for every reward that has a name, whatever it pays for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from env_fakes import boxed, measured, sums, vote
from hypothesis import given, settings
from hypothesis import strategies as st

from ttrl_benchmarks import SealedLabels
from ttrl_benchmarks.errors import UserError
from ttrl_env import Completion, ConsensusReward, TTRLVectorEnv, finished_info
from ttrl_env.consensus import (
    REWARDS,
    Ballot,
    Estimator,
    RewardError,
    Verdict,
    check_verdict,
    hold_vote,
    resolve_estimator,
    reward_needs,
)
from ttrl_env.consensus.cards import BRINGS, brings_of, needs_of
from ttrl_env.consensus.rewards.inner import remembers

# Beside the defaults, the options that change the formula.
SPELLED = [
    *REWARDS,
    "majority(tie=abstain)",
    "majority(tie=share)",
    "majority(min_ratio=0.3, min_margin=0.2, min_votes=3)",
    "empo(low=0.1, high=0.8)",
    "deepconf(statistic=tail, window=3, keep=0.5)",
    "deepconf(statistic=worst_window, window=2)",
    "deepconf(statistic=worst_windows, window=2, measure=probability)",
    "scrl(mode=continuous)",
    "restrain(prompt_weight=first_vote, min_votes=0)",
    "entropy_shaped(mode=clip, limit=0.5)",
    "entropy_shaped(inner=soft_majority)",
    "entropy_filter(inner=soft_majority, factor=0)",
    "div_ttrl(k=2)",
    "div_ttrl(agreed=group, seed=1)",
    "scope(voters=0.3, weight=0.2, measure=probability)",
    "held(inner=deepconf, every=2)",
    "guard(inner=soft_majority, window=1, scale=false)",
    "negative_entropy(tail=0.5)",
    "co_rewarding(scale_by_std=false)",
    "majority + 0.1*format_only",
    "0.5*majority + held(inner=soft_majority)",
]
LABEL_FREE = [name for name in SPELLED if "labels" not in reward_needs(name)]
# Coins and subgroups lie in the group's order.
ORDERLESS = [name for name in SPELLED if not name.startswith(("random", "scope"))]
# Some that agree with the majority get more than others.
GRADED = ("evol_rl", "majority + 0.1*format_only")
# Among equal votes these prefer the answer that appeared first, or wrap a reward that does.
FIRST_OF_EQUALS = (
    "majority",
    "majority(min_ratio=0.3, min_margin=0.2, min_votes=3)",
    "deepconf",
    "deepconf(statistic=tail, window=3, keep=0.5)",
    "deepconf(statistic=worst_window, window=2)",
    "deepconf(statistic=worst_windows, window=2, measure=probability)",
    "ddrl",
    "div_ttrl",
    "div_ttrl(k=2)",
    "div_ttrl(agreed=group, seed=1)",
    "entropy_filter",
    "evol_rl",
    "entropy_shaped",
    "entropy_shaped(mode=clip, limit=0.5)",
    "held",
    "held(inner=deepconf, every=2)",
    "guard",
    "label_budget",
    "guard(inner=soft_majority, window=1, scale=false)",
    "co_rewarding",
    "co_rewarding(scale_by_std=false)",
    "self_harmony",
    "verified",
    "majority + 0.1*format_only",
    "0.5*majority + held(inner=soft_majority)",
)
few = settings(max_examples=12)  # for each of so many rewards


@st.composite
def groups(draw: st.DrawFn) -> list[int]:
    """Answers, -1 for none: an even number, so that there may be two wordings."""
    half = draw(st.integers(1, 8))
    return draw(st.lists(st.integers(-1, 4), min_size=2 * half, max_size=2 * half))


def halves(size: int) -> list[int]:
    return [int(member >= size // 2) for member in range(size)]


def ballot_of(
    completions: Sequence[Completion], variants: Sequence[int] | None = None, **place: int
) -> Ballot:
    return vote(completions, variants=variants or halves(len(completions)), **place)


def make(name: str) -> Estimator:
    return resolve_estimator(name, sums())


def same(one: Verdict, other: Verdict) -> bool:
    return (
        one.pseudo_label == other.pseudo_label
        and one.abstains == other.abstains
        and all(
            np.array_equal(getattr(one, name), getattr(other, name))
            if getattr(one, name) is not None
            else getattr(other, name) is None
            for name in ("rewards", "advantages", "weights")
        )
    )


@pytest.mark.parametrize("name", SPELLED)
@few
@given(values=groups(), seed=st.integers(0, 999), position=st.integers(0, 50))
def test_the_verdict_is_sound_and_repeats(
    name: str, values: list[int], seed: int, position: int
) -> None:
    ballot = ballot_of(measured(values, seed), position=position)
    estimator = make(name)
    verdict = check_verdict(estimator(ballot), ballot, estimator)
    assert verdict.rewards.dtype == np.float64
    if verdict.pseudo_label is not None:
        assert 0 <= verdict.pseudo_label < len(ballot.keys)
        winners = ballot.classes == verdict.pseudo_label
        if name in GRADED:  # The winning answer scores more than any other,
            assert verdict.rewards[winners].min() > verdict.rewards[~winners].max(initial=-2)
        else:  # or the most there is.
            assert (verdict.rewards[winners] == verdict.rewards.max()).all()
    assert same(verdict, estimator(ballot))  # the same visit, seen again
    assert same(verdict, make(name)(ballot))


@pytest.mark.parametrize("name", SPELLED)
@few
@given(values=groups(), seed=st.integers(0, 999))
def test_an_absent_answer_is_never_paid(name: str, values: list[int], seed: int) -> None:
    ballot = ballot_of(measured(values, seed))
    verdict = make(name)(ballot)
    absent = ~ballot.answered
    assert (verdict.rewards[absent] <= 0).all()
    if absent.all():
        assert verdict.pseudo_label is None  # nor does it win,
        assert verdict.abstains  # and nothing is learned from silence.
    for wording in (0, 1):  # advantages are relative to completions of one prompt
        here = ballot.variants == wording
        for paid in (verdict.rewards, verdict.advantages):
            if paid is not None and (absent & here).any() and (ballot.answered & here).any():
                assert paid[absent & here].max() <= paid[ballot.answered & here].min()


@pytest.mark.parametrize("name", ORDERLESS)
@few
@given(values=groups(), seed=st.integers(0, 999), data=st.data())
def test_the_order_of_the_votes_changes_nothing(
    name: str, values: list[int], seed: int, data: st.DataObject
) -> None:
    estimator = make(name)
    order = data.draw(st.permutations(range(len(values))))
    if name in FIRST_OF_EQUALS:  # so the first of each answer stay first
        firsts = [values.index(value) for value in dict.fromkeys(values)]
        order = firsts + [member for member in order if member not in firsts]
    completions, shown = measured(values, seed), halves(len(values))
    verdict = estimator(ballot_of(completions))
    moved = make(name)(
        ballot_of([completions[i] for i in order], [shown[i] for i in order]),
    )
    np.testing.assert_array_equal(moved.rewards, verdict.rewards[order])
    assert moved.abstains == verdict.abstains
    for field in ("advantages", "weights"):
        mine, theirs = getattr(verdict, field), getattr(moved, field)
        assert (mine is None) == (theirs is None)
        if mine is not None:
            np.testing.assert_array_equal(theirs, mine[order])


@pytest.mark.parametrize("name", LABEL_FREE)
@few
@given(values=groups(), seed=st.integers(0, 999), names=st.permutations(range(10, 20)))
def test_other_words_for_the_answers_change_nothing(
    name: str, values: list[int], seed: int, names: list[int]
) -> None:
    renamed = [value if value < 0 else names[value] for value in values]
    verdict = make(name)(ballot_of(measured(values, seed)))
    assert same(verdict, make(name)(ballot_of(measured(renamed, seed))))


@pytest.mark.parametrize("name", LABEL_FREE)
@few
@given(values=groups(), seed=st.integers(0, 999))
def test_deleting_every_label_changes_nothing(name: str, values: list[int], seed: int) -> None:
    verdicts = []
    for benchmark in (sums(), sums().unlabeled()):
        estimator = resolve_estimator(name, benchmark)
        for position in range(2):
            ballot = hold_vote(
                measured(values, seed + position),
                benchmark.questions[0],
                benchmark,
                position,
                halves(len(values)),
            )
            verdicts.append(estimator(ballot))
    assert same(verdicts[0], verdicts[2])
    assert same(verdicts[1], verdicts[3])


@pytest.mark.parametrize("name", LABEL_FREE)
def test_no_label_is_even_looked_at(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken_seal(self: SealedLabels, question_id: str) -> str:
        raise AssertionError(f"the label of {question_id} was read")

    monkeypatch.setattr(SealedLabels, "reveal", broken_seal)
    ballot = ballot_of(measured([1, 2, 2, 1]))
    make(name)(ballot)
    with pytest.raises(AssertionError, match="the label of sum-0 was read"):
        make("oracle")(ballot)


@pytest.mark.parametrize("name", SPELLED)
def test_what_a_reward_remembers_survives_json(name: str) -> None:
    def visit(position: int) -> Ballot:
        rng = np.random.default_rng(position)
        return ballot_of(
            measured(rng.integers(-1, 3, 8).tolist(), position),
            question=position % 3,
            position=position,
        )

    going_on, before = make(name), make(name)
    expected = [going_on(visit(position)) for position in range(24)]
    for position in range(11):
        before(visit(position))
    resumed = make(name)
    if hasattr(before, "state_dict"):
        state: Any = json.loads(json.dumps(before.state_dict()))
        resumed.load_state_dict(state)  # type: ignore[attr-defined]
    for position in range(11, 24):
        assert same(resumed(visit(position)), expected[position])


@pytest.mark.parametrize("name", SPELLED)
def test_a_reward_says_whether_it_remembers_and_whether_it_brings_advantages(name: str) -> None:
    estimator = make(name)
    brings: set[str] = set()
    for position in range(24):  # each question eight times, with winners that flip
        rng = np.random.default_rng(position)
        ballot = ballot_of(
            measured(rng.integers(1, 3, 8).tolist(), position),
            question=position % 3,
            position=position,
        )
        verdict = estimator(ballot)
        brings |= {each for each in BRINGS if getattr(verdict, each) is not None}
    assert brings <= set(brings_of(estimator))  # a low entropy may be missing among these
    assert bool(brings) == bool(brings_of(estimator))
    remembered = estimator.state_dict() if hasattr(estimator, "state_dict") else {}
    assert bool(remembered) == remembers(estimator)


ODD = ("odd", "'odd'", "none", "true", "-1", "0", "2.5", "1e308", "1e999", "[1]", "''", str(10**30))


@pytest.mark.parametrize("name", REWARDS)
def test_an_odd_option_raises_an_error_when_the_reward_is_made_or_does_no_harm(name: str) -> None:
    ballots = [ballot_of(measured(values)) for values in ([1, 1, 2, -1], [-1, -1], [1, 2, 3, 4])]
    for option in REWARDS[name].options:
        for value in ODD:
            try:
                estimator = make(f"{name}({option}={value})")
            except UserError:  # in one sentence
                continue
            for ballot in ballots:
                check_verdict(estimator(ballot), ballot, estimator)


@pytest.mark.parametrize("name", REWARDS)
def test_the_defaults_can_be_spelled_as_they_are_listed(name: str) -> None:
    entry = REWARDS[name]
    listed = entry.describe_options().split(", ") if entry.options else []
    spelled = f"{name}({', '.join(option for option in listed if not option.endswith('=...'))})"
    assert repr(make(spelled)) == repr(make(name))


@pytest.mark.parametrize("name", REWARDS)
def test_the_card_says_what_the_reward_needs(name: str) -> None:
    entry = REWARDS[name]
    assert entry.card.name == name
    assert entry.card.summary
    estimator = make(name)
    assert needs_of(estimator) == entry.card.needs
    told = "token statistics" in entry.card.needs
    plain = [boxed(1), boxed(2), boxed(1), boxed(1)]
    if told:
        with pytest.raises(RewardError, match=r"4 of 4 came without.*token_statistics=True"):
            estimator(vote(plain, variants=[0, 0, 1, 1]))
    else:
        estimator(vote(plain, variants=[0, 0, 1, 1]))
    if "two prompts" in entry.card.needs:
        with pytest.raises(RewardError, match="rephrase='arithmetic'"):
            estimator(vote(plain))
    elif not told:
        estimator(vote(plain))
    assert ("labels" in entry.card.needs) == (name in ("oracle", "label_budget"))
    assert type(estimator).__name__ in repr(estimator)


@pytest.mark.parametrize("name", SPELLED)
def test_the_environment_tells_the_learner_all_of_it(name: str) -> None:
    envs = ConsensusReward(TTRLVectorEnv(16, sums(), 8, rephrase=str.upper), name)
    envs.reset(seed=0)
    values = [1, 1, 2, -1, 1, 3, 1, 2] + [-1] * 8
    completions = measured(values)
    *_, infos = envs.step(completions)
    final = finished_info(infos)
    assert final["abstained"][8:].all()
    asked = [int(i.removeprefix("sum-")) for i in final["question_id"][::8]]
    verdict = make(name)(ballot_of(completions[:8], question=asked[0], position=0))
    given = verdict.advantages is not None
    assert (final["_advantage"][:8] == given).all()
    np.testing.assert_array_equal(
        final["advantage"][:8], verdict.advantages if given else np.zeros(8)
    )
    weights = np.ones(8) if verdict.weights is None else verdict.weights
    np.testing.assert_array_equal(final["advantage_weight"][:8], weights)
    assert final["_advantage_weight"].all()
