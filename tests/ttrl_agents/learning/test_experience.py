"""What an update is made of."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ttrl_agents.learning.experience import Experience, split_by_tokens
from ttrl_agents.rollout import Rollout
from ttrl_env.completion import Completion


@given(st.lists(st.integers(1, 30), min_size=1, max_size=40), st.integers(1, 100))
def test_parts_hold_every_row_once_within_the_budget(lengths, budget):
    lengths = np.array(lengths)
    rows = np.arange(100, 100 + len(lengths))
    parts = list(split_by_tokens(rows, lengths, budget))
    assert sorted(row for part in parts for row in part) == rows.tolist()
    for part in parts:
        assert len(part) == 1 or len(part) * lengths[part - 100].max() <= budget
    longest = [lengths[part - 100].max() for part in parts]
    assert longest == sorted(longest)


def rollout_of(abstained):
    completions = [
        Completion("a", token_ids=[1, 2], log_probs=[-0.5, -1.0]),
        Completion("b", token_ids=[3]),
        Completion("c", token_ids=[4, 5, 6], log_probs=[-1.0, -2.0, -3.0]),
        Completion("d", token_ids=[7], log_probs=[-4.0]),
    ]
    return Rollout(
        prompts=["p", "p", "q", "q"],
        completions=completions,
        rewards=np.array([1.0, 0.0, 0.5, 0.25]),
        abstained=np.array(abstained),
        group_size=2,
        weights=np.array([1.0, 2.0, 3.0, 4.0]),
    )


PROMPTS = [(1,), (1,), (2, 2), (2, 2)]


def test_rows_of_a_rollout_are_padded_and_what_the_sampler_left_out_is_nan():
    experience = Experience.from_rollout(rollout_of([False] * 4), PROMPTS, None)
    assert experience.mask.tolist() == [
        [True, True, False],
        [True, False, False],
        [True, True, True],
        [True, False, False],
    ]
    sampled = experience.sampler_log_probs
    assert sampled[0, :2].tolist() == [-0.5, -1.0]
    assert sampled[1].isnan().all()
    assert experience.groups.tolist() == [0, 0, 1, 1]
    assert experience.lengths.tolist() == [2, 1, 3, 1]


def test_groups_that_abstain_are_left_out():
    experience = Experience.from_rollout(rollout_of([True, True, False, False]), PROMPTS, None)
    assert experience.prompts == [(2, 2), (2, 2)]
    assert experience.groups.tolist() == [1, 1]
    assert experience.weights.tolist() == [3, 4]
    assert len(Experience.from_rollout(rollout_of([True] * 4), PROMPTS, None)) == 0


def test_taking_rows_takes_all_that_is_known_of_them():
    experience = Experience.from_rollout(rollout_of([False] * 4), PROMPTS, None)
    taken = experience.take(np.array([2, 0]))
    assert taken.rewards.tolist() == [0.5, 1.0]
    assert [ids.tolist() for ids in taken.completions] == [[4, 5, 6], [1, 2]]
    assert taken.weights.tolist() == [3, 1]
    assert torch.equal(taken.mask, experience.mask[[2, 0]])
    narrow = experience.tokens_of(experience.mask, np.array([1, 3]), torch.device("cpu"))
    assert narrow.shape == (2, 1)
    assert experience.tokens_of(None, np.array([1]), torch.device("cpu")) is None


def test_a_completion_without_token_ids_cannot_be_learned_from():
    rollout = rollout_of([False] * 4)
    rollout.completions[3] = Completion("plain")
    with pytest.raises(ValueError, match="token ids of each completion"):
        Experience.from_rollout(rollout, PROMPTS, None)
