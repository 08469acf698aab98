"""The training data of an update: completions, and what is known of their tokens.

- `Experience`: rows of a rollout, ready for the losses.
- `split_by_tokens`: rows of similar length, as many as a budget of tokens holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ttrl_agents.errors import AgentError
from ttrl_agents.learning.losses import LossInputs
from ttrl_agents.policy.packed import fill_packs
from ttrl_agents.policy.token_batch import TokenBatch
from ttrl_agents.rollout import Rollout
from ttrl_env.completion import Completion

__all__ = ["Experience", "split_by_tokens"]

Rows = npt.NDArray[np.intp]

_NO_ADVANTAGES = "the advantages of this experience are not known yet"


@dataclass(frozen=True)
class Experience:
    """Completions to train on; tensors are on CPU, those of tokens padded on the right.

    Attributes:
        prompts: Token ids of the prompt of each completion.
        completions: Token ids of each completion.
        groups: The question of each, by its place in the rollout, shape (completions,).
        group_rows: How many completions of a question are here, side by side.
        mask: Which positions are tokens, shape (completions, longest completion), bool.
        rewards: Shape (completions,), float64.
        abstained: Whether each should teach nothing, bool.
        given_advantages: Advantages that the reward itself gave, float64; NaN where it gave none.
        weights: The factor of each advantage, float64.
        sampler_log_probs: Of each token, float32; NaN where the sampler reported none.
        old_log_probs: By the trainer, before any update; `None` where not computed.
        reference_log_probs: By the initial policy; `None` where not computed.
        values: The critic's values, before any update; `None` without a critic.
        returns: The returns that the values should match.
        advantages: Of each token, float32, once they are known.
    """

    prompts: Sequence[tuple[int, ...]]
    completions: Sequence[npt.NDArray[np.int64]]
    groups: Rows
    group_rows: int
    mask: torch.Tensor
    rewards: torch.Tensor
    abstained: torch.Tensor
    given_advantages: torch.Tensor | None
    weights: torch.Tensor | None
    sampler_log_probs: torch.Tensor
    old_log_probs: torch.Tensor | None = None
    reference_log_probs: torch.Tensor | None = None
    values: torch.Tensor | None = None
    returns: torch.Tensor | None = None
    advantages: torch.Tensor | None = None

    @classmethod
    def from_rollout(
        cls, rollout: Rollout, prompts: Sequence[tuple[int, ...]], n_train: int | None
    ) -> Experience:
        """Takes the completions to train on, except groups that abstain as a whole.

        Args:
            rollout: The rollout.
            prompts: Token ids of each prompt.
            n_train: How many of each group to train on, the first ones; `None`: all.

        Raises:
            ValueError: A completion lacks its token ids.
        """
        trained = n_train or rollout.group_size
        places = np.arange(len(rollout.prompts)).reshape(-1, rollout.group_size)
        teaches = ~rollout.abstained.reshape(places.shape).all(axis=1)
        rows = places[teaches, :trained].ravel()
        completions = [_tokens(rollout.completions[i]) for i in rows.tolist()]
        lengths = np.array([len(each) for each in completions], dtype=np.intp)
        width = int(lengths.max(initial=0))
        mask = np.arange(width) < lengths[:, None]
        sampled = np.full(mask.shape, np.nan, dtype=np.float32)
        for row, i in enumerate(rows.tolist()):
            log_probs = rollout.completions[i].log_probs
            if log_probs is not None:
                sampled[row, : lengths[row]] = log_probs
        given, weights = rollout.advantages, rollout.weights
        return cls(
            prompts=[prompts[i] for i in rows.tolist()],
            completions=completions,
            groups=rows // rollout.group_size,
            group_rows=trained,
            mask=torch.from_numpy(mask),
            rewards=torch.from_numpy(rollout.rewards[rows]),
            abstained=torch.from_numpy(rollout.abstained[rows]),
            given_advantages=None if given is None else torch.from_numpy(given[rows]),
            weights=None if weights is None else torch.from_numpy(weights[rows]),
            sampler_log_probs=torch.from_numpy(sampled),
        )

    def __len__(self) -> int:
        return len(self.prompts)

    @property
    def lengths(self) -> npt.NDArray[np.intp]:
        """Tokens of each completion."""
        return np.array([len(each) for each in self.completions], dtype=np.intp)

    def take(self, rows: Rows) -> Experience:
        """Returns only these completions."""
        index = torch.from_numpy(rows)
        changed: dict[str, Any] = {
            field.name: value[index]
            for field in fields(self)
            if isinstance(value := getattr(self, field.name), torch.Tensor)
        }
        return replace(
            self,
            prompts=[self.prompts[i] for i in rows],
            completions=[self.completions[i] for i in rows],
            groups=self.groups[rows],
            **changed,
        )

    def with_gradient(self) -> Experience:
        """Returns the completions that have an advantage.

        Raises:
            ValueError: Advantages are not known yet.
        """
        if self.advantages is None:
            raise ValueError(_NO_ADVANTAGES)
        return self.take(np.flatnonzero((self.advantages != 0).any(dim=1).numpy()))

    def check_sampler(self, *, corrected: bool, old: bool) -> None:
        """Checks that the sampler reported the log-probabilities that are needed.

        Args:
            corrected: Whether an importance correction needs them.
            old: Whether later updates divide by them.

        Raises:
            AgentError: It did not.
        """
        if not (corrected or old):
            return
        if bool((self.sampler_log_probs.isnan() & self.mask).any()):
            what, way_out = (
                ("An importance correction", "--importance-correction none")
                if corrected
                else ("--old-log-probs sampler", "--old-log-probs trainer")
            )
            raise AgentError(
                f"{what} needs the log-probabilities of every completion, and this sampler gave "
                f"none. Use {way_out}."
            )

    def token_batch(self, rows: Rows, pad_token_id: int, device: torch.device) -> TokenBatch:
        """Returns the token ids of these completions and their prompts, padded."""
        return TokenBatch.from_ids(
            [self.prompts[i] for i in rows],
            [self.completions[i] for i in rows],
            pad_token_id=pad_token_id,
            device=device,
        )

    def packs(self, rows: Rows, budget: int) -> Iterator[Rows]:
        """Yields rows that are packed together, their prompts counted (see `fill_packs`)."""
        prompts = [self.prompts[i] for i in rows]
        lengths = [len(self.completions[i]) for i in rows]
        for part in fill_packs(prompts, lengths, budget):
            yield rows[part]

    def tokens_of(
        self, values: torch.Tensor | None, rows: Rows, device: torch.device
    ) -> torch.Tensor | None:
        """Returns what is known of the tokens of these completions, as wide as the longest."""
        if values is None:
            return None
        width = max(len(self.completions[i]) for i in rows)
        return values[torch.from_numpy(rows), :width].to(device)

    def loss_inputs(self, rows: Rows, device: torch.device) -> LossInputs:
        """Returns the inputs of the loss of these completions.

        Raises:
            ValueError: Advantages are not known yet.
        """
        mask = self.tokens_of(self.mask, rows, device)
        advantages = self.tokens_of(self.advantages, rows, device)
        if mask is None or advantages is None:
            raise ValueError(_NO_ADVANTAGES)
        return LossInputs(
            mask=mask,
            advantages=advantages,
            old_log_probs=self.tokens_of(self.old_log_probs, rows, device),
            reference_log_probs=self.tokens_of(self.reference_log_probs, rows, device),
            sampler_log_probs=self.tokens_of(self.sampler_log_probs, rows, device),
        )


def split_by_tokens(rows: Rows, lengths: npt.NDArray[np.intp], budget: int) -> Iterator[Rows]:
    """Yields rows of similar length, as many as the budget holds, at least one.

    Args:
        rows: The rows to split.
        lengths: Tokens of each of them.
        budget: The most tokens, padding included, in one part.

    >>> parts = split_by_tokens(np.arange(4), np.array([3, 1, 9, 2]), 6)
    >>> [part.tolist() for part in parts]
    [[1, 3], [0], [2]]
    """
    rows, lengths = rows[order := np.argsort(lengths, kind="stable")], lengths[order]
    start = 0
    while start < len(rows):
        sizes = lengths[start:] * np.arange(1, len(rows) - start + 1)
        count = max(1, int(np.searchsorted(sizes, budget, "right")))
        yield rows[start : start + count]
        start += count


def _tokens(completion: Completion) -> npt.NDArray[np.int64]:
    if completion.token_ids is None:
        raise ValueError("learning needs the token ids of each completion; the sampler gave none")
    return completion.token_ids
