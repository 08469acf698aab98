"""A rollout buffer in which waiting for one's group does not exist."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary
from stable_baselines3.common.buffers import DictRolloutBuffer
from stable_baselines3.common.type_aliases import DictRolloutBufferSamples

from ttrl_agents.sb3 import CompletionRolloutBuffer

SPACE = Dict({"input_ids": Box(0, 99, (2,), np.int64), "finished": MultiBinary(1)})


def episodes(rng: np.random.Generator, steps: int) -> list[tuple[int, int]]:
    """How many steps each episode writes, and how many it then waits."""
    found: list[tuple[int, int]] = []
    while sum(map(sum, found)) < steps:
        found.append((int(rng.integers(1, 4)), int(rng.integers(0, 4))))
    return found


def fill(buffer: DictRolloutBuffer, columns: list[list[dict[str, Any]]]) -> DictRolloutBuffer:
    """Adds the steps of every environment, which stand in columns."""
    for rows in zip(*columns, strict=True):
        ids = np.array([[row["id"], 7] for row in rows])
        buffer.add(
            {"input_ids": ids, "finished": np.array([[row["waits"]] for row in rows])},
            np.array([row["id"] % 5 for row in rows]),
            np.array([row["reward"] for row in rows]),
            np.array([row["start"] for row in rows]),
            torch.tensor([row["value"] for row in rows]),
            torch.tensor([-float(row["id"]) for row in rows]),
        )
    return buffer


def column(rng: np.random.Generator, steps: int, first_id: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for writes, waits in episodes(rng, steps):
        reward = float(rng.normal())
        for step in range(writes + waits):
            rows.append(
                {
                    "id": first_id + len(rows),
                    "waits": step >= writes,
                    "start": step == 0,
                    "last": step == writes + waits - 1,
                    "reward": reward if step == writes + waits - 1 else 0.0,
                    "value": 0.0 if step >= writes else float(rng.normal()),
                }
            )
    return rows[:steps]


def tokens_of(batch: DictRolloutBufferSamples) -> list[int]:
    return batch.observations["input_ids"][:, 0].tolist()


@pytest.mark.parametrize("gamma", [1.0, 0.9])
@pytest.mark.parametrize("gae_lambda", [1.0, 0.7])
@pytest.mark.parametrize("seed", range(5))
def test_advantages_are_those_of_the_tokens_alone(
    gamma: float, gae_lambda: float, seed: int
) -> None:
    """Without its waiting steps, and paid at its last token, an episode is an ordinary one."""
    rng = np.random.default_rng(seed)
    rows = column(rng, 12, first_id=0)
    bootstrap = torch.tensor([float(rng.normal())])
    options = {"gae_lambda": gae_lambda, "gamma": gamma, "n_envs": 1, "device": "cpu"}
    ours = CompletionRolloutBuffer(12, SPACE, Discrete(5), **options)
    fill(ours, [rows]).compute_returns_and_advantage(bootstrap, np.array([rows[-1]["last"]]))

    written: list[dict[str, Any]] = []
    for row in rows:
        if not row["waits"]:
            written.append(dict(row))
        elif written:
            written[-1]["reward"] += row["reward"]
            written[-1]["last"] = row["last"]
    theirs = DictRolloutBuffer(len(written), SPACE, Discrete(5), **options)
    ended = np.array([written[-1]["last"]])
    fill(theirs, [written]).compute_returns_and_advantage(bootstrap, ended)

    wrote = [i for i, row in enumerate(rows) if not row["waits"]]
    np.testing.assert_allclose(ours.advantages[wrote], theirs.advantages, atol=1e-6)
    np.testing.assert_allclose(ours.returns[wrote], theirs.returns, atol=1e-6)
    assert not ours.advantages[[i for i in range(12) if i not in wrote]].any()


def test_a_last_token_whose_group_is_not_paid_yet_has_no_advantage() -> None:
    row = {"waits": False, "start": True, "reward": 0.0, "value": 0.25, "id": 0}
    rows = [row, {**row, "id": 1, "start": False, "waits": True, "value": 0.0}]
    buffer = CompletionRolloutBuffer(2, SPACE, Discrete(5), n_envs=1, gamma=1.0, device="cpu")
    # The policy's value of a waiting member is the one before its last token.
    fill(buffer, [rows]).compute_returns_and_advantage(torch.tensor([0.25]), np.array([False]))
    assert buffer.advantages.ravel().tolist() == [0.0, 0.0]


@pytest.mark.parametrize("batch_size", [None, 1, 5, 8, 1000])
def test_minibatches_hold_each_token_once_and_completions_whole(batch_size: int | None) -> None:
    rng = np.random.default_rng(3)
    columns = [column(rng, 20, first_id=100 * i) for i in range(3)]
    for rows in columns:
        rows[0]["start"] = False  # it goes on from the rollout before
    buffer = CompletionRolloutBuffer(20, SPACE, Discrete(5), n_envs=3, device="cpu")
    fill(buffer, columns).compute_returns_and_advantage(torch.zeros(3), np.ones(3, dtype=bool))
    completion_of, count = {}, 0
    for rows in columns:
        for step, row in enumerate(rows):
            count += row["start"] or step == 0
            completion_of[row["id"]] = count
    written = {row["id"] for rows in columns for row in rows if not row["waits"]}
    torch.manual_seed(0)
    for _ in range(2):
        batches = [tokens_of(batch) for batch in buffer.get(batch_size)]
        assert sorted(chain(*batches)) == sorted(written)
        owners = [{completion_of[token] for token in batch} for batch in batches]
        assert sum(map(len, owners)) == len(set.union(*owners))  # none is in two minibatches
    if batch_size is None or batch_size >= len(written):
        assert len(batches) == 1
    elif batch_size == 1:
        assert all(len(each) == 1 for each in owners)
    else:
        assert len(batches) == -(-len(written) // batch_size)
        assert max(map(len, batches)) <= len(written) / len(batches) + 3


def test_a_minibatch_carries_what_belongs_to_each_token() -> None:
    rng = np.random.default_rng(4)
    columns = [column(rng, 9, first_id=100 * i) for i in range(2)]
    buffer = CompletionRolloutBuffer(9, SPACE, Discrete(5), n_envs=2, device="cpu")
    fill(buffer, columns).compute_returns_and_advantage(torch.zeros(2), np.ones(2, dtype=bool))
    advantages = {
        row["id"]: buffer.advantages[step, i]
        for i, rows in enumerate(columns)
        for step, row in enumerate(rows)
    }
    values = {row["id"]: row["value"] for rows in columns for row in rows}
    for batch in buffer.get(4):
        assert not batch.observations["finished"].any()
        ids = batch.observations["input_ids"][:, 0]
        assert (batch.old_log_prob == -ids).all()
        assert (batch.actions.ravel() == ids % 5).all()
        for i, token in enumerate(ids.tolist()):
            assert float(batch.advantages[i]) == advantages[token]
            assert float(batch.old_values[i]) == pytest.approx(values[token])
            assert float(batch.returns[i]) == pytest.approx(advantages[token] + values[token])
    assert len(buffer.values) == len(buffer.returns) == len(buffer.completions)


def test_the_order_is_new_each_time_and_the_algorithms_seed_names_it() -> None:
    rng = np.random.default_rng(5)
    columns = [column(rng, 20, first_id=0)]
    buffer = CompletionRolloutBuffer(20, SPACE, Discrete(5), n_envs=1, device="cpu")
    fill(buffer, columns).compute_returns_and_advantage(torch.zeros(1), np.ones(1, dtype=bool))

    def orders(seed: int) -> list[list[int]]:
        torch.manual_seed(seed)
        return [list(chain(*map(tokens_of, buffer.get(4)))) for _ in range(2)]

    assert orders(0) == orders(0)
    assert orders(0) != orders(1)
    assert orders(0)[0] != orders(0)[1]


def test_a_rollout_without_tokens_is_refused_with_the_way_out() -> None:
    row = {"waits": True, "start": False, "reward": 0.0, "value": 0.0, "id": 0}
    buffer = CompletionRolloutBuffer(1, SPACE, Discrete(5), n_envs=1, device="cpu")
    with pytest.raises(ValueError, match="0 of its 1 steps"):
        next(buffer.get())
    fill(buffer, [[row]]).compute_returns_and_advantage(torch.zeros(1), np.ones(1, dtype=bool))
    with pytest.raises(ValueError, match="n_steps = max_tokens"):
        next(buffer.get())
