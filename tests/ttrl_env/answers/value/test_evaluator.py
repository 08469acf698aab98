"""Samples of trees: their values, and what was met on the way."""

from __future__ import annotations

import pytest

from ttrl_env.answers import equivalent
from ttrl_env.answers.formula.parser import parse
from ttrl_env.answers.key.canonical import canonical_key
from ttrl_env.answers.limits import Unreadable
from ttrl_env.answers.value.evaluator import Evaluator
from ttrl_env.answers.value.points import NEGATIVE, POSITIVE


@pytest.fixture
def evaluator() -> Evaluator:
    return Evaluator(canonical_key)


@pytest.mark.parametrize(
    ("text", "varying", "branchy", "bent"),
    [
        ("1+2", False, False, False),
        (r"\sqrt{2}", False, False, False),
        ("x+1", True, False, False),
        (r"\sqrt{x}", True, True, False),
        (r"\ln x + |y|", True, True, True),
        ("|x|", True, False, True),
        ("2^x", True, True, False),
        ("x^2", True, False, False),
    ],
)
def test_a_sample_says_what_was_met(
    evaluator: Evaluator, text: str, varying: bool, branchy: bool, bent: bool
) -> None:
    sample = evaluator.sample(parse(text), POSITIVE)
    assert (sample.varying, sample.branchy, sample.bent) == (varying, branchy, bent)


def test_letters_take_the_values_that_they_are_given(evaluator: Evaluator) -> None:
    assert evaluator.sample(parse("x^2+x"), POSITIVE, {"x": 3}).value == 12


def test_an_absolute_value_keeps_the_sign_that_it_is_given(evaluator: Evaluator) -> None:
    tree = parse("|x|")
    signs = evaluator.sample(tree, POSITIVE).signs
    free = evaluator.sample(tree, NEGATIVE, {"x": -5})
    kept = evaluator.sample(tree, NEGATIVE, {"x": -5}, signs)
    assert (free.value, kept.value) == (5, -5)


def test_a_sample_leaves_nothing_behind(evaluator: Evaluator) -> None:
    with pytest.raises(Unreadable, match="division by zero"):
        evaluator.sample(parse(r"\ln x + 1/0"), POSITIVE)
    after = evaluator.sample(("n", 1), POSITIVE)
    assert (after.varying, after.branchy, after.bent) == (False, False, False)


def test_what_is_not_computed_stands_for_the_same_number_wherever_it_stands() -> None:
    inner, outer = r"f(30^\circ)", r"\sin(f(30^\circ))"
    assert equivalent(f"{inner} + {outer}", f"{outer} + {inner}")
