"""The checks of lesson 4."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from course_tools.checking import Check, Mistake, NotRightError, call, compare

Tensor = torch.Tensor
_END = 2


def _tokens(rng: np.random.Generator) -> Iterator[tuple[Tensor, int]]:
    yield torch.tensor([[5, 7, _END, 0, 0], [5, 7, 8, 9, _END], [5, 7, 8, 9, 6]]), _END
    yield torch.tensor([[_END, 5, 5], [4, _END, _END], [3, _END, 7]]), _END
    for _ in range(3):
        yield torch.tensor(rng.integers(6, size=(4, 7))), _END


def _mask(tokens: Tensor, end: int) -> Tensor:
    mask = torch.zeros(tokens.shape)
    for i, row in enumerate(tokens.tolist()):
        length = row.index(end) + 1 if end in row else len(row)
        mask[i, :length] = 1
    return mask


def _without_end(tokens: Tensor, end: int) -> Tensor:
    return ((tokens == end).cumsum(dim=1) == 0).float()


def _one_too_many(tokens: Tensor, end: int) -> Tensor:
    mask = _mask(tokens, end)
    return torch.cat([torch.ones(len(mask), 1), mask[:, :-1]], dim=1)


def _not_end(tokens: Tensor, end: int) -> Tensor:
    return (tokens != end).float()


def _not_padding(tokens: Tensor, end: int) -> Tensor:
    return (tokens != 0).float()


def _to_last_end(tokens: Tensor, end: int) -> Tensor:
    return _mask(tokens.flip(1), end).flip(1).logical_not().float() + (tokens == end).float()


def _rewards(rng: np.random.Generator) -> Iterator[tuple[Tensor]]:
    yield (torch.tensor([[1.0, 0.0]]),)
    yield (torch.tensor([[1.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]]),)
    for shape in ((3, 4), (2, 8), (5, 3)):
        yield (torch.tensor(rng.integers(2, size=shape), dtype=torch.float32),)
    yield (torch.tensor(rng.normal(size=(2, 5)), dtype=torch.float32),)


def _leave_one_out(rewards: Tensor) -> Tensor:
    rows = rewards.tolist()
    return torch.tensor(
        [[r - (sum(row) - r) / (len(row) - 1) for r in row] for row in rows], dtype=torch.float32
    )


def _less_mean(rewards: Tensor) -> Tensor:
    return rewards - rewards.mean(dim=1, keepdim=True)


def _standardized(rewards: Tensor) -> Tensor:
    return _less_mean(rewards) / (rewards.std(dim=1, keepdim=True) + 1e-6)


def _others_divided_by_n(rewards: Tensor) -> Tensor:
    return rewards - (rewards.sum(dim=1, keepdim=True) - rewards) / rewards.shape[1]


def _batches(rng: np.random.Generator) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    for completions, longest in ((1, 3), (2, 3), (4, 6)):
        log_probs = torch.tensor(-rng.random((completions, longest)), dtype=torch.float32)
        lengths = torch.tensor(rng.integers(1, longest, size=(completions, 1)))
        mask = (torch.arange(longest) < lengths).float()
        yield log_probs, mask, torch.tensor(rng.normal(size=completions), dtype=torch.float32)


def _loss(log_probs: Tensor, mask: Tensor, advantages: Tensor) -> Tensor:
    total = sum(
        advantages[i] * log_probs[i, t]
        for i in range(len(advantages))
        for t in range(mask.shape[1])
        if mask[i, t] > 0
    )
    return -total / len(advantages)


def _silent_share(rewards: Tensor) -> float:
    return float(np.mean([len(set(row)) == 1 for row in rewards.tolist()]))


_CHECK_LOSS = compare(
    _loss,
    _batches,
    mistakes=[
        Mistake(
            "The sign is missing. PyTorch makes the loss small, so this one would make right "
            "completions *less* likely.",
            lambda p, m, a: -_loss(p, m, a),
        ),
        Mistake(
            "The mask has no effect: tokens that the model never wrote count too.",
            lambda p, m, a: _loss(p, torch.ones_like(m), a),
        ),
        Mistake(
            "You add the completions up. Take their mean, or the step grows with their number.",
            lambda p, m, a: _loss(p, m, a) * len(a),
        ),
        Mistake(
            "You divide by the number of tokens. Here the completions are averaged and their "
            "tokens added up. (Lesson 8 compares the two.)",
            lambda p, m, a: _loss(p, m, a) * len(a) / m.sum(),
        ),
        Mistake(
            "You average over the tokens of each completion. Add them up: log-probabilities of "
            "tokens add up to that of the completion. (Lesson 8 compares the two.)",
            lambda p, m, a: -(a * (p * m).sum(dim=1) / m.sum(dim=1)).mean(),
        ),
        Mistake(
            "You average over all places of the rectangle. Add up the tokens of a completion, then "
            "average over the completions.",
            lambda p, m, a: -(a[:, None] * p * m).mean(),
        ),
        Mistake(
            "You use probabilities. The gradient needs their logarithms, as they come.",
            lambda p, m, a: -(a * (p.exp() * m).sum(dim=1)).mean(),
        ),
    ],
)


def _check_loss(function: Callable[..., Any]) -> None:
    """Compares the value, and then looks whether a gradient flows."""
    _CHECK_LOSS(function)
    log_probs, mask, advantages = next(_batches(np.random.default_rng(1)))
    log_probs.requires_grad_(True)
    loss = call(function, log_probs, mask, advantages)
    if not isinstance(loss, Tensor) or not loss.requires_grad:
        raise NotRightError(
            "not right yet.\n\nThe number is right, but it carries no gradient, so nothing would "
            "be learned. Return a tensor: no `.item()`, `.detach()` or NumPy on the way."
        )


CHECKS: dict[str, Check] = {
    "4.1": compare(
        _mask,
        _tokens,
        mistakes=[
            Mistake(
                "This is the famous bug: the end token is left out. The model wrote it, so it "
                "counts. Subtract the token itself from the count of end tokens.",
                _without_end,
            ),
            Mistake(
                "You are off by one: the token after the end counts too.",
                _one_too_many,
            ),
            Mistake(
                "You only look whether a token is the end token. What comes after it counts for "
                "nothing either, whatever it is; and the first end token counts.",
                _not_end,
            ),
            Mistake(
                "You look for the filling. But after the end token there can be anything. Look "
                "for the first end token.",
                _not_padding,
            ),
            Mistake(
                "The mask is the wrong way round: 1 is for what the model wrote.",
                lambda tokens, end: 1 - _mask(tokens, end),
            ),
        ],
    ),
    "4.2": compare(
        _leave_one_out,
        _rewards,
        mistakes=[
            Mistake(
                "You subtract the mean of all n rewards, the completion's own included. Leave it "
                "out: add up the others, and divide by n - 1.",
                _less_mean,
            ),
            Mistake(
                "You divide by the standard deviation. GRPO does so; here only a mean is "
                "subtracted.",
                _standardized,
            ),
            Mistake(
                "You divide the sum of the others by n. There are n - 1 of them.",
                _others_divided_by_n,
            ),
            Mistake(
                "You take the mean over all groups. Each question has its own baseline: use dim=1 "
                "and keepdim=True.",
                lambda r: r - r.mean(),
            ),
            Mistake(
                "The sign is the wrong way round: subtract the baseline from the reward.",
                lambda r: -_leave_one_out(r),
            ),
        ],
    ),
    "4.3": _check_loss,
    "4.4": compare(
        _silent_share,
        _rewards,
        mistakes=[
            Mistake(
                "You count the groups that are *not* silent.",
                lambda r: 1 - _silent_share(r),
            ),
            Mistake(
                "You only count groups that are all right. Groups that are all wrong are silent "
                "too.",
                lambda r: (r == 1).all(dim=1).float().mean(),
            ),
            Mistake(
                "You only count groups that are all wrong. Groups that are all right are silent "
                "too.",
                lambda r: (r == 0).all(dim=1).float().mean(),
            ),
            Mistake(
                "This is the number of silent groups. Divide by the number of groups.",
                lambda r: _silent_share(r) * len(r),
            ),
        ],
    ),
}
