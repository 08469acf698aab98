"""The verdict of a probe, and its reasons."""

from dataclasses import replace

import numpy as np
import pytest
from evaluations_made_up import made_up_result

from ttrl_agents.probe import judge, measure_rightness, measure_votes
from ttrl_agents.probe.verdict import LIMITS, Limit


def verdict_of(*groups, labels=True):
    results = [
        made_up_result(f"q{place}", list(group), label=str(place) if labels else None)
        for place, group in enumerate(groups)
    ]
    return judge(measure_votes(results), measure_rightness(results))


def groups(share, n=16, count=20, seed=0):
    """Votes of which about this share agree, on an answer of each question's own."""
    rng = np.random.default_rng(seed)
    for place in range(count):
        right = rng.random(n) < share
        others = rng.integers(1000, 2000, n)
        yield [
            str(place) if each else str(other) for each, other in zip(right, others, strict=True)
        ]


def weights(verdict):
    return {each.indicator: each.weight for each in verdict.reasons}


def test_votes_that_half_agree_are_fit():
    verdict = verdict_of(*groups(0.5))
    assert verdict.word == "fit"
    assert set(weights(verdict).values()) == {"good"}
    assert all(not each.change for each in verdict.reasons)


def test_votes_that_agree_already_leave_little_to_learn():
    verdict = verdict_of(*groups(1.0))
    assert verdict.word == "unfit"
    bad = {each.indicator: each for each in verdict.reasons if each.weight == "bad"}
    assert set(bad) == {"room", "teaching"}
    assert "agree already, rightly or wrongly" in bad["room"].change


def test_scattered_votes_are_unfit():
    verdict = verdict_of(*groups(0.0))
    assert verdict.word == "unfit"
    assert weights(verdict)["agreement"] == weights(verdict)["reproducible"] == "bad"


def test_one_answer_to_every_question_is_unfit():
    verdict = verdict_of(*[["7"] * 12 + [f"{place}/{n}" for n in range(4)] for place in range(20)])
    assert weights(verdict)["reproducible"] == "good"
    assert weights(verdict)["agreement"] == "bad"
    assert verdict.word == "unfit"


def test_without_any_answer_that_is_all_there_is_to_say():
    verdict = verdict_of(*[[None] * 4] * 10)
    assert verdict.word == "unfit"
    assert weights(verdict) == {"sample": "good", "absent": "bad", "truncated": "bad"}
    assert "--max-tokens" in verdict.reasons[2].change
    # Nothing wrong would be rewarded.
    assert [each.indicator for each in verdict.with_labels] == ["gain"]


@pytest.mark.parametrize(("count", "n"), [(9, 16), (20, 3), (1, 2)])
def test_few_questions_or_votes_are_never_called_fit(count, n):
    verdict = verdict_of(*groups(0.5, n=n, count=count))
    assert weights(verdict)["sample"] == "weak"
    assert verdict.word != "fit"
    assert "--limit, --n-votes" in verdict.reasons[0].change


def test_silent_questions_do_not_make_the_winners_wrong():
    groups = [[str(place)] * 3 + ["x"] if place % 3 == 0 else [None] * 4 for place in range(30)]
    majority = verdict_of(*groups).with_labels[0]
    assert (majority.indicator, majority.weight) == ("majority", "good")
    assert "right on 100% of the questions that have one" in majority.says


def test_being_cut_off_after_an_answer_is_not_bad():
    results = [
        replace(made_up_result(f"q{place}", group), finished=(False,) * 16)
        for place, group in enumerate(groups(0.5))
    ]
    verdict = judge(measure_votes(results))
    assert verdict.word == "doubtful"
    assert weights(verdict)["truncated"] == "weak"


def test_labels_are_judged_apart_and_change_no_word():
    wrong = [[f"x{place}"] * 12 + [str(place)] * 4 for place in range(20)]
    verdict = verdict_of(*wrong)
    assert verdict.word == verdict_of(*wrong, labels=False).word == "fit"
    assert verdict_of(*wrong, labels=False).with_labels == ()
    assert {each.indicator: each.weight for each in verdict.with_labels} == {
        "majority": "bad",
        "gain": "bad",
    }
    assert "harden mistakes" in verdict.with_labels[0].change


@pytest.mark.parametrize("name", LIMITS)
def test_what_is_bad_lies_beyond_what_is_weak(name):
    limit = LIMITS[name]
    sign = -1 if limit.high else 1
    assert sign * limit.bad < sign * limit.weak
    assert [limit.weigh(limit.weak + sign * each) for each in (0, 1)] == ["good", "good"]
    assert limit.weigh(limit.bad - sign) == "bad"
    assert limit.weigh((limit.bad + limit.weak) / 2) == "weak"


def test_a_limit_of_shares_that_should_be_low():
    limit = Limit(0.2, 0.5, high=True)
    assert [limit.weigh(each) for each in (0.0, 0.2, 0.5, 0.51)] == ["good", "good", "weak", "bad"]
