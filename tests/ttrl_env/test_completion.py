"""Completions and prompts: strings that keep what they carry, and that only text can become."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from env_fakes import through_pickle
from hypothesis import given
from hypothesis import strategies as st

from ttrl_env import Completion, Prompt

any_text = st.text(alphabet=st.characters(exclude_categories=()), max_size=40)


@given(any_text)
def test_both_are_the_string(text: str) -> None:
    for kind in (Completion, Prompt):
        made = kind(text)
        assert isinstance(made, str)
        assert made == text
        assert hash(made) == hash(text)
        assert {text: 1}[made] == 1
        assert through_pickle(made) == made == copy.deepcopy(made)


def test_what_it_carries_has_fixed_types() -> None:
    completion = Completion("7", token_ids=[5, 6], log_probs=[-0.5, -1.0], finished=False)
    assert completion.token_ids is not None
    assert completion.log_probs is not None
    assert completion.token_ids.dtype == np.int64
    assert completion.log_probs.dtype == np.float32
    assert completion.finished is False
    bare = Completion("7")
    assert bare.token_ids is None
    assert bare.log_probs is None
    assert bare.finished is True


@pytest.mark.parametrize("duplicate", [copy.deepcopy, through_pickle])
def test_copies_carry_it_on(duplicate: object) -> None:
    completion = Completion(
        "π",
        token_ids=[1, 2],
        log_probs=[-1.5, 0.0],
        finished=False,
        entropies=[0.5, 0.25],
        self_certainties=[3.0, 4.0],
    )
    twin = duplicate(completion)  # type: ignore[operator]
    assert isinstance(twin, Completion)
    np.testing.assert_array_equal(twin.token_ids, completion.token_ids)
    for name in ("log_probs", "entropies", "self_certainties"):
        np.testing.assert_array_equal(getattr(twin, name), getattr(completion, name))
        assert getattr(twin, name).dtype == np.float32
    assert twin.finished is False


def test_derived_strings_are_plain() -> None:
    completion = Completion("ab", token_ids=[1, 2])
    assert type(completion[:1]) is str
    assert type(completion + "c") is str


def test_unequal_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="2 token ids but 1 log-probabilities"):
        Completion("7", token_ids=[5, 6], log_probs=[-0.5])
    with pytest.raises(ValueError, match="2 token ids but 3 entropies"):
        Completion("7", token_ids=[5, 6], entropies=[1, 2, 3])
    with pytest.raises(ValueError, match="1 entropies but 2 self-certainties"):
        Completion("7", entropies=[1], self_certainties=[1, 2])


@pytest.mark.parametrize("kind", [Completion, Prompt])
def test_only_text_can_become_one(kind: type[str]) -> None:
    with pytest.raises(TypeError, match="not generator"):
        kind(letter for letter in "abc")
    with pytest.raises(TypeError, match="not int"):
        kind(7)


def test_it_remembers_that_it_began_inside_a_thought() -> None:
    assert Completion("7").thinking is False
    thinking = Completion("7", thinking=True)
    assert thinking.thinking is True
    assert through_pickle(thinking).thinking is True
    assert copy.deepcopy(thinking).thinking is True
