"""The first pass of a step's updates, made by the policy that has sampled.

- `FirstPass`: what it tells beside its gradient.

Until the first update is taken the policy is the one that the sampler has a copy of. So the pass of
the first minibatch gives, for its completions, the log-probabilities that later updates divide by,
and it shows whether sampler and policy agree, without a pass that is made for that alone.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from ttrl_agents.distributed.world import world
from ttrl_agents.instruments.sampler_agreement import AgreementTally, SamplerCheck
from ttrl_agents.learning.experience import Experience, Rows
from ttrl_agents.learning.losses import LossInputs

__all__ = ["FirstPass"]


class FirstPass:
    """Takes what the first pass tells.

    Args:
        experience: The completions of the step; `old_log_probs` of the first minibatch are written
            into it where they are not known.
        records: Whether they are not known.
        check: Compares the sampler with the policy, if it has weights of its own.
    """

    def __init__(
        self, experience: Experience, *, records: bool, check: SamplerCheck | None
    ) -> None:
        self._experience = experience
        self._old = experience.old_log_probs if records else None
        self._check = check
        self._tally = AgreementTally()
        self._rows: list[torch.Tensor] = []

    def take(self, rows: Rows, inputs: LossInputs, log_probs: torch.Tensor) -> LossInputs:
        """Takes up the log-probabilities of some rows; returns the inputs of their loss."""
        found = log_probs.detach()
        if self._check is not None:
            theirs = self._experience.tokens_of(
                self._experience.sampler_log_probs, rows, found.device
            )
            if theirs is not None:
                self._tally.add(found, theirs, inputs.mask)
        if self._old is None:
            return inputs
        self._rows.append(torch.from_numpy(rows))
        self._old[self._rows[-1], : found.shape[1]] = found.cpu()
        return replace(inputs, old_log_probs=None)

    def share(self) -> None:
        """Gives every rank of the run what the others have taken."""
        ranks = world()
        if ranks.size == 1:
            return
        if self._old is not None:
            own = torch.zeros_like(self._old)
            for rows in self._rows:
                own[rows] = self._old[rows]
                self._old[rows] = 0
            ranks.add([own])  # each row is 0 but where one rank has run it
            self._old += own
        self._tally = AgreementTally.of(ranks.gather(self._tally.parts()))

    def agreement(self, step: int) -> dict[str, float]:
        """Returns the metrics of the comparison, if there was one.

        Args:
            step: The training step, from 1.

        Raises:
            AgentError: Sampler and policy differ by more than rounding explains.
        """
        return {} if self._check is None else self._check.judge(step, self._tally.result())
