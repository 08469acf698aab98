"""UnicodeText: what is in it, what it costs, and what happens to it in Gymnasium's hands."""

from __future__ import annotations

import copy
import pickle
import time

import gymnasium as gym
import numpy as np
import pytest
from env_fakes import through_pickle
from gymnasium.error import CustomSpaceError
from gymnasium.spaces.utils import flatdim, flatten, flatten_space, unflatten
from gymnasium.vector.utils import (
    batch_space,
    concatenate,
    create_empty_array,
    create_shared_memory,
    iterate,
)
from hypothesis import given
from hypothesis import strategies as st

from ttrl_env import Completion, Prompt, UnicodeText

any_text = st.text(alphabet=st.characters(exclude_categories=()), max_size=40)


@given(any_text, st.integers(1, 40))
def test_membership_is_length_alone(text: str, max_length: int) -> None:
    assert (text in UnicodeText(max_length)) == (len(text) <= max_length)


@pytest.mark.parametrize("text", ["", "π ≤ 22/7", "\\frac{1}{2}\n", "答え", "\ud800", "\x00"])
def test_any_script_is_in(text: str) -> None:
    space = UnicodeText(20)
    assert text in space
    assert Completion(text) in space
    assert Prompt(text) in space


@pytest.mark.parametrize("other", [None, 7, b"bytes", ["a"], np.zeros(3)])
def test_nothing_but_strings_is_in(other: object) -> None:
    assert other not in UnicodeText(20)


@pytest.mark.parametrize("max_length", [0, -3])
def test_a_length_that_holds_nothing_is_refused(max_length: int) -> None:
    with pytest.raises(ValueError, match=f"1 or more, not {max_length}"):
        UnicodeText(max_length)


@given(st.integers(0, 2**31), st.integers(1, 200))
def test_samples_are_printable_members_and_follow_the_seed(seed: int, max_length: int) -> None:
    first, second = UnicodeText(max_length, seed=seed), UnicodeText(max_length, seed=seed)
    for _ in range(3):
        sample = first.sample()
        assert sample == second.sample()
        assert sample in first
        assert sample.isascii()
        assert all(character.isprintable() or character.isspace() for character in sample)


def test_samples_vary_and_stay_short() -> None:
    samples = [UnicodeText(2**20, seed=seed).sample() for seed in range(50)]
    assert len(set(samples)) > 45
    assert max(map(len, samples)) <= 64


def test_a_mask_still_sets_the_length() -> None:
    assert len(UnicodeText(100, seed=0).sample(mask=(77, None))) == 77


def test_comparison_print_and_hash() -> None:
    assert UnicodeText(9) == UnicodeText(9) != UnicodeText(10)
    assert UnicodeText(9) != gym.spaces.Text(9)
    assert repr(UnicodeText(9)) == "UnicodeText(9)"
    assert len({UnicodeText(9), UnicodeText(9), UnicodeText(10)}) == 2


@pytest.mark.parametrize("duplicate", [copy.deepcopy, through_pickle])
def test_a_copy_goes_on_with_the_same_samples(duplicate: object) -> None:
    space = UnicodeText(30, seed=5)
    space.sample()
    twin = duplicate(space)  # type: ignore[operator]
    assert twin == space
    assert [twin.sample() for _ in range(4)] == [space.sample() for _ in range(4)]


def test_batches_are_cheap() -> None:
    began = time.perf_counter()
    batch = batch_space(UnicodeText(2**20), 512)
    # Gymnasium's Text with all of Unicode takes minutes for this; here it is hundredths.
    assert time.perf_counter() - began < 5
    assert len(pickle.dumps(batch)) < 512 * 400
    assert len(pickle.dumps(UnicodeText(2**20))) < 1_000


def test_gymnasium_batches_and_takes_apart_without_loss() -> None:
    space, texts = UnicodeText(20), ("π", "", "\ud800", "答え")
    out = create_empty_array(space, 4)
    batch = concatenate(space, texts, out)
    assert tuple(batch) == texts
    assert tuple(iterate(batch_space(space, 4), batch)) == texts


def test_shared_memory_is_refused_loudly() -> None:
    with pytest.raises(CustomSpaceError, match=r"vector_kwargs=\{'shared_memory': False\}"):
        create_shared_memory(UnicodeText(20), n=2)


def test_json_round_trip_of_samples() -> None:
    space, texts = UnicodeText(20), ["π", "\ud800", ""]
    assert space.from_jsonable(space.to_jsonable(texts)) == texts


@given(any_text)
def test_a_flattened_text_is_its_code_points(text: str) -> None:
    space = UnicodeText(50)
    flat = flatten(space, text)
    assert flat in flatten_space(space)
    assert flat.shape == (flatdim(space),)
    assert flat.tolist() == [ord(each) for each in text] + [-1] * (50 - len(text))
    assert unflatten(space, flat) == text
