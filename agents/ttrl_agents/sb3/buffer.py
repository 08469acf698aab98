"""A rollout buffer with minibatches of whole completions, for Stable-Baselines3.

- `CompletionRolloutBuffer`: a rollout buffer without padding.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from stable_baselines3.common.buffers import DictRolloutBuffer
from stable_baselines3.common.type_aliases import DictRolloutBufferSamples

__all__ = ["CompletionRolloutBuffer"]

Array = npt.NDArray[Any]


class CompletionRolloutBuffer(DictRolloutBuffer):
    """Holds tokens and no padding, and yields the tokens of a completion together.

    Pass it as `rollout_buffer_class` to `PPO` or `A2C`. Differences from the buffer of
    Stable-Baselines3:

    - Steps in which a member only waited for its group are left out of everything: minibatches,
      the normalisation of advantages, the explained variance. Their reward is credited to the
      member's last token, so that no `gae_lambda` discounts it for the wait.
    - A minibatch holds whole completions, so that a policy which reads each sequence once reads
      it in one minibatch of an epoch and not in all of them. Minibatches have about equal size;
      their number follows from `batch_size`, in tokens.

    It takes the options of `DictRolloutBuffer`.
    """

    def compute_returns_and_advantage(self, last_values: torch.Tensor, dones: Array) -> None:
        """Computes GAE over the tokens alone (arXiv 1506.02438)."""
        waiting = self._waiting()
        next_values: Array = last_values.detach().cpu().numpy().reshape(-1).astype(np.float32)
        goes_on = np.ones(self.n_envs, dtype=np.float32)
        advantage = np.zeros(self.n_envs, dtype=np.float32)
        later_pay = np.zeros(self.n_envs, dtype=np.float32)
        ends = [*self.episode_starts[1:].astype(np.bool_), np.asarray(dones, dtype=np.bool_)]
        for step in reversed(range(self.buffer_size)):
            for carried in (next_values, goes_on, advantage, later_pay):
                carried[ends[step]] = 0.0  # nothing comes from the next episode
            wrote, values = ~waiting[step], self.values[step]
            paid = self.rewards[step] + later_pay
            delta = paid + self.gamma * next_values * goes_on - values
            following = delta + self.gamma * self.gae_lambda * goes_on * advantage
            advantage = np.where(wrote, following, advantage).astype(np.float32)
            later_pay = np.where(wrote, 0.0, paid).astype(np.float32)
            next_values = np.where(wrote, values, next_values).astype(np.float32)
            goes_on = np.where(wrote, 1.0, goes_on).astype(np.float32)
            self.advantages[step] = np.where(wrote, advantage, 0.0)
        self.returns = self.advantages + self.values

    def get(  # type: ignore[override]
        self, batch_size: int | None = None
    ) -> Generator[DictRolloutBufferSamples, None, None]:
        """Yields minibatches of about `batch_size` tokens, or one of all.

        Raises:
            ValueError: No token was written in this rollout.
        """
        if not self.full:
            raise ValueError(f"the rollout has {self.pos} of its {self.buffer_size} steps")
        if not self.generator_ready:
            self._leave_out_padding()
            self.generator_ready = True
        total = len(self.completions)
        count = 1 if batch_size is None else -(-total // batch_size)
        # PyTorch's generator, which the algorithm's seed sets, as it does NumPy's.
        order = torch.randperm(int(self.completions[-1]) + 1).numpy()
        tokens = np.argsort(order[self.completions], kind="stable")
        ranks = order[self.completions][tokens]
        ends = np.flatnonzero(np.diff(ranks, append=-1)) + 1  # of each completion
        wanted = np.arange(1, count) * total / count
        cuts = ends[np.searchsorted(ends, wanted)]
        for part in np.split(tokens, cuts):
            if len(part):
                yield self._get_samples(part)

    def _waiting(self) -> Array:
        """Whether each member only waited for its group, shape (steps, environments)."""
        waiting: Array = self.observations["finished"][..., 0].astype(np.bool_)
        return waiting

    def _leave_out_padding(self) -> None:
        wrote = np.flatnonzero(~self.swap_and_flatten(self._waiting()).ravel())
        if len(wrote) == 0:
            raise ValueError(
                f"nobody wrote a token in the {self.buffer_size} steps of this rollout; take "
                "n_steps = max_tokens, or no fixed_length"
            )
        starts = self.episode_starts.astype(np.bool_)
        starts[0] = True  # a completion continued from the last rollout belongs to this one
        self.completions = np.cumsum(self.swap_and_flatten(starts).ravel())[wrote]
        # Numbered without gaps: of some completions, this rollout may hold only the wait.
        self.completions = np.unique(self.completions, return_inverse=True)[1]
        for key, rows in self.observations.items():
            self.observations[key] = self.swap_and_flatten(rows)[wrote]
        for name in ("actions", "values", "log_probs", "advantages", "returns"):
            setattr(self, name, self.swap_and_flatten(getattr(self, name))[wrote])
