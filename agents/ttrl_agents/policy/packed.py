"""Packed completions: side by side, without padding, for one forward pass on a GPU.

- `PackedBatch`: prompts and completions as one row of tokens.
- `pack`: makes it.
- `fill_packs`: distributes completions over packs with a budget of tokens.

A row of a pack is a *segment*: a prompt with the first of its completions, or another completion of
that prompt alone. The queries of a segment are its own tokens; its keys are those of its prompt and
its own. So a prompt is run once however many completions follow it, no token is padding, and, as
all of it is one forward pass, layers can be computed again in the backward pass.

Every rank of a sharded run packs its own completions: nothing here refers to other ranks, and the
layers see one row of tokens, whatever gathers their weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate

import numpy as np
import numpy.typing as npt
import torch

__all__ = ["PackedBatch", "fill_packs", "pack"]

Ids = Sequence[int] | npt.NDArray[np.int64]


@dataclass(frozen=True)
class PackedBatch:
    """Prompts and completions as one row of tokens.

    Attributes:
        ids: The tokens, shape (tokens,), int64: everything but the last token of a completion,
            which does not predict anything.
        positions: The position of each in its prompt and completion, int64.
        query_ends: The index of each segment's first token, and the end of the last one; int32.
        key_ends: The same among the keys.
        key_places: The token of each key, int64; `None` if keys and tokens are the same.
        longest_query: Tokens of the longest segment.
        longest_key: Its most keys.
        predictors: The token that predicts each token of the completions, in their order, int64.
    """

    ids: torch.Tensor
    positions: torch.Tensor
    query_ends: torch.Tensor
    key_ends: torch.Tensor
    key_places: torch.Tensor | None
    longest_query: int
    longest_key: int
    predictors: torch.Tensor


def pack(
    prompts: Sequence[tuple[int, ...]], completions: Sequence[Ids], device: torch.device | str
) -> PackedBatch:
    """Packs completions and their prompts.

    Args:
        prompts: Token ids of each completion's prompt; equal ones are packed once.
        completions: Token ids of each completion.
        device: Where the tensors go.

    >>> packed = pack([(1, 2), (1, 2)], [[3, 4], [5, 6, 7]], "cpu")
    >>> packed.ids.tolist(), packed.positions.tolist()
    ([1, 2, 3, 5, 6], [0, 1, 2, 2, 3])
    >>> packed.query_ends.tolist(), packed.key_ends.tolist(), packed.key_places.tolist()
    ([0, 3, 5], [0, 3, 7], [0, 1, 2, 0, 1, 3, 4])
    >>> packed.predictors.tolist()
    [1, 2, 1, 3, 4]
    """
    members: dict[tuple[int, ...], list[int]] = {}
    for i, prompt in enumerate(prompts):
        members.setdefault(prompt, []).append(i)
    ids: list[npt.NDArray[np.int64]] = []
    positions: list[npt.NDArray[np.int64]] = []
    keys: list[npt.NDArray[np.int64]] = []
    queries: list[int] = []
    predictors: list[npt.NDArray[np.int64]] = [np.empty(0, np.int64)] * len(prompts)
    end = 0
    for prompt, rows in members.items():
        begin, size = end, len(prompt)
        for number, row in enumerate(rows):
            own = np.asarray(completions[row], dtype=np.int64)[:-1]
            first = number == 0
            if not (first or len(own)):  # its only token is predicted by the prompt
                predictors[row] = np.array([begin + size - 1])
                continue
            segment = np.concatenate([np.asarray(prompt, np.int64), own]) if first else own
            start = end + (size if first else 0)
            end += len(segment)
            ids.append(segment)
            positions.append(np.arange(0 if first else size, size + len(own)))
            queries.append(len(segment))
            keys.append(np.concatenate([np.arange(begin, begin + size), np.arange(start, end)]))
            predictors[row] = np.concatenate([[begin + size - 1], np.arange(start, end)])
    lengths = [len(each) for each in keys]
    apart = sum(lengths) != end
    tensor = partial(_to_device, device=device)
    return PackedBatch(
        ids=tensor(np.concatenate(ids), torch.int64),
        positions=tensor(np.concatenate(positions), torch.int64),
        query_ends=tensor([0, *accumulate(queries)], torch.int32),
        key_ends=tensor([0, *accumulate(lengths)], torch.int32),
        key_places=tensor(np.concatenate(keys), torch.int64) if apart else None,
        longest_query=max(queries),
        longest_key=max(lengths),
        predictors=tensor(np.concatenate(predictors), torch.int64),
    )


def _to_device(
    values: Sequence[int] | npt.NDArray[np.int64], dtype: torch.dtype, device: torch.device | str
) -> torch.Tensor:
    made = torch.as_tensor(np.asarray(values), dtype=dtype)
    if torch.device(device).type == "cuda":  # copied while the host continues
        return made.pin_memory().to(device, non_blocking=True)
    return made.to(device)


def fill_packs(
    prompts: Sequence[tuple[int, ...]], lengths: Sequence[int], budget: int
) -> list[list[int]]:
    """Distributes completions over packs: longest first, each into the first with room.

    Args:
        prompts: Token ids of each completion's prompt.
        lengths: Tokens of each completion.
        budget: The most tokens of a pack, prompts included. A completion that is longer has a
            pack of its own.

    Returns:
        The completions of each pack, by their place, in ascending order.

    >>> fill_packs([(1, 2)] * 4, [5, 9, 3, 2], 10)
    [[1], [0, 2], [3]]
    """
    packs: list[list[int]] = []
    room: list[int] = []
    seen: list[set[tuple[int, ...]]] = []
    for i in sorted(range(len(prompts)), key=lambda i: (-lengths[i], i)):
        for k, left in enumerate(room):
            cost = lengths[i] + (0 if prompts[i] in seen[k] else len(prompts[i]))
            if cost <= left:
                break
        else:
            k, cost = len(packs), lengths[i] + len(prompts[i])
            packs.append([])
            room.append(budget)
            seen.append(set())
        packs[k].append(i)
        room[k] -= cost
        seen[k].add(prompts[i])
    return [sorted(each) for each in packs]
