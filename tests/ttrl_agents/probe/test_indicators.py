"""The indicators of a probe: what votes say without labels."""

from dataclasses import replace

import numpy as np
import pytest
from evaluations_made_up import made_up_result
from hypothesis import given
from hypothesis import strategies as st

from ttrl_agents.probe.indicators import first_votes, measure_votes

ANSWERS = st.sampled_from(["1", "2", "3", None])


@st.composite
def questions(draw):
    n = draw(st.integers(2, 8))
    groups = draw(st.lists(st.lists(ANSWERS, min_size=n, max_size=n), min_size=1, max_size=6))
    return [made_up_result(f"q{place}", group) for place, group in enumerate(groups)]


def test_two_questions_by_hand():
    results = [
        made_up_result("a", ["7", "7", "7", "8"]),
        made_up_result("b", ["5", "6", None, None]),
    ]
    found = measure_votes(results)
    assert found.majority_ratio.mean == (3 / 4 + 1 / 4) / 2
    assert found.margin.mean == (2 / 4 + 0) / 2
    assert found.teaching.mean == 1
    assert found.absent == found.truncated == 0.25
    assert found.distinct_winners == 1
    assert found.answer_entropy == pytest.approx(
        (-(0.75 * np.log(0.75) + 0.25 * np.log(0.25)) + np.log(2)) / 2
    )
    # Of the 6 pairs of votes of each, 3 and 0 agree; of the 16 pairs across, none.
    assert found.agreement == pytest.approx(3 / 12)
    assert found.shares == (0.75, 0.25)


def test_agreement_is_nothing_where_every_question_gets_the_same_answer():
    constant = [made_up_result(f"q{place}", ["7"] * 4) for place in range(5)]
    assert measure_votes(constant).agreement == 0
    own = [made_up_result(f"q{place}", [str(place)] * 4) for place in range(5)]
    assert measure_votes(own).agreement == 1
    # The letters of a model that ignores the question.
    rng = np.random.default_rng(0)
    letters = [made_up_result(f"q{n}", rng.choice(list("ABCD"), 16).tolist()) for n in range(200)]
    assert abs(measure_votes(letters).agreement) < 0.02
    assert measure_votes(letters).majority_ratio.mean > 0.35


def test_halves_repeat_a_sure_winner_and_seldom_one_of_chance():
    rng = np.random.default_rng(0)
    sure = [made_up_result(f"q{n}", rng.permutation(["1"] * 13 + ["2"] * 3)) for n in range(20)]
    assert measure_votes(sure).reproducible.mean > 0.95
    scattered = [
        made_up_result(f"q{n}", [str(each) for each in rng.integers(0, 1000, 16)])
        for n in range(20)
    ]
    assert measure_votes(scattered).reproducible.mean < 0.05


def test_questions_that_agree_and_those_without_an_answer_teach_nothing():
    results = [
        made_up_result("agreed", ["1"] * 4),
        made_up_result("silent", [None] * 4),
        made_up_result("mixed", ["1", None, None, None]),
    ]
    found = measure_votes(results)
    assert found.teaching.mean == pytest.approx(1 / 3)
    silent = measure_votes(results[1:2])
    assert silent.answer_entropy is silent.agreement is silent.distinct_winners is None
    assert silent.majority_ratio.mean == silent.reproducible.mean == 0


@given(questions())
def test_indicators_are_shares_and_need_no_label(results):
    found = measure_votes(results)
    for share in (
        found.majority_ratio.mean,
        found.margin.mean,
        found.teaching.mean,
        found.reproducible.mean,
        found.absent,
        found.truncated,
    ):
        assert 0 <= share <= 1
    assert found.margin.mean <= found.majority_ratio.mean
    assert found.agreement is None or -1 <= found.agreement <= 1
    assert measure_votes([replace(each, correct=None) for each in results]) == found


@given(questions())
def test_the_names_of_the_answers_do_not_matter(results):
    renamed = [
        replace(each, keys=tuple(None if key is None else f"#{key}" for key in each.keys))
        for each in results
    ]
    assert measure_votes(renamed) == measure_votes(results)


def test_the_first_votes_alone():
    result = made_up_result("a", ["1", "2", None, "1"])
    assert first_votes(result, 3) == made_up_result("a", ["1", "2", None])
    assert first_votes(result, 9) == result


def test_too_few_votes_or_different_numbers_of_them_are_errors():
    with pytest.raises(ValueError, match="the same number of votes"):
        measure_votes([made_up_result("a", ["1", "1"]), made_up_result("b", ["1"])])
    with pytest.raises(ValueError, match="a probe needs 2 or more"):
        measure_votes([made_up_result("a", ["1"])])
    with pytest.raises(ValueError, match="the same number of votes"):
        measure_votes([])
