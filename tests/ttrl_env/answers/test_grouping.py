"""A whole group of completions at once."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ttrl_env.answers import answer_key, extract_answer, group_answers

TEXTS = [r"\boxed{0.5}", "hm", r"\boxed{\frac12}", r"\boxed{2}", "hm", r"\boxed{x=2}", r"\boxed{½}"]


def test_classes_are_numbered_in_order_of_first_appearance() -> None:
    groups = group_answers(TEXTS)
    assert groups.answers == ("0.5", None, r"\frac12", "2", None, "x=2", "½")
    assert groups.classes.dtype == np.int64
    assert groups.classes.tolist() == [0, -1, 0, 1, -1, 1, 0]
    assert groups.representatives == ("0.5", "2")
    assert groups.keys == ("1/2", "2")


def test_nothing_can_be_changed() -> None:
    groups = group_answers(TEXTS)
    with pytest.raises(dataclasses.FrozenInstanceError):
        groups.keys = ()  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        groups.classes[0] = 5


def test_an_empty_group_has_no_classes() -> None:
    groups = group_answers([])
    assert groups.answers == groups.representatives == groups.keys == ()
    assert groups.classes.shape == (0,)


def test_options_reach_the_extraction() -> None:
    groups = group_answers(["Answer: B", "blue", "Answer: A or B"], "choice", ["red", "blue"])
    assert groups.classes.tolist() == [0, 0, -1]


@settings(deadline=None)
@given(st.permutations(TEXTS))
def test_a_key_does_not_depend_on_the_order_of_the_group(texts: list[str]) -> None:
    groups = group_answers(texts)
    for text, number in zip(texts, groups.classes.tolist(), strict=True):
        answer = extract_answer(text)
        if answer is None:
            assert number == -1
        else:
            assert groups.keys[number] == answer_key(answer)


def test_an_unknown_format_is_refused_even_for_an_empty_group() -> None:
    with pytest.raises(ValueError, match="got 'Latex'"):
        group_answers([], "Latex")  # type: ignore[arg-type]
