"""The critic of PPO, which estimates the return from each token on.

- `Critic`: a separate network, made from the policy, with its optimizer.

It is a separate network, as in OpenRLHF and verl, and not a head on the policy's trunk: there the
squared error of the values, whose scale is unrelated to the policy's loss, would also change the
policy. The cost is a second set of weights, gradients and moments.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch

from ttrl_agents.distributed.rounds import RoundSum
from ttrl_agents.distributed.sharding import gradient_sum_of, like, sharding_of, within
from ttrl_agents.distributed.sums import gradient_sums
from ttrl_agents.errors import AgentError
from ttrl_agents.learning.compact_adamw import make_adamw
from ttrl_agents.learning.losses import Counts, aggregate, clipped_value_loss
from ttrl_agents.learning.optimizer_state import on_cpu, optimizer_tensors, restore_optimizer
from ttrl_agents.policy.determinism import deterministic
from ttrl_agents.policy.divided import copy_of
from ttrl_agents.policy.log_probs import LogProbs
from ttrl_agents.policy.policy import Policy
from ttrl_agents.policy.token_batch import TokenBatch

__all__ = ["Critic"]


class Critic:
    """Estimates returns: a copy of the policy's trunk, and one number from each hidden state.

    The new layer is initialised to zero, so an untrained critic estimates 0 everywhere.

    Args:
        policy: The policy; its weights are copied.
        learning_rate: Peak learning rate of the critic's optimizer, AdamW.
        betas: Decay of its moments.
        weight_decay: Its weight decay.
        gradient_checkpointing: As for `LogProbs`.
        packed: As for `LogProbs`.
        compiled: As for `LogProbs`.
        optimizer_bits: Bits of each of the optimizer's moments, 32 or 8.

    Raises:
        AgentError: The model does not expose the hidden states that its logits come from.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        learning_rate: float,
        betas: tuple[float, float],
        weight_decay: float,
        gradient_checkpointing: bool = False,
        packed: bool | None = None,
        compiled: bool = False,
        optimizer_bits: int = 32,
    ) -> None:
        model = copy_of(policy)
        self._trunk = LogProbs(
            Policy(model, policy.tokenizer, policy.name),
            gradient_checkpointing=gradient_checkpointing,
            packed=packed,
            compiled=compiled,
        )
        if not self._trunk.chunked:
            raise AgentError(
                f"Model {policy.name!r} does more to its logits than its last layer says, so a "
                "critic cannot be made of it. Use an --algorithm without one, e.g. grpo."
            )
        self._model = model.base_model
        width: int = model.config.get_text_config().hidden_size
        self._head = torch.nn.Linear(width, 1).to(policy.device)
        torch.nn.init.zeros_(self._head.weight)
        torch.nn.init.zeros_(self._head.bias)
        sharding = sharding_of(model)
        if sharding is not None:
            sharding.divide_layer(self._head)
        self.learning_rate = learning_rate
        self.optimizer = make_adamw(
            self.parameters(),
            bits=optimizer_bits,
            lr=learning_rate,
            betas=betas,
            weight_decay=weight_decay,
        )

    def __call__(self, batch: TokenBatch) -> torch.Tensor:
        """Returns the value before each token, float32, 0 where there is no token."""
        with self._trunk.policy.precision():
            hidden = within(self._trunk.policy.model, self._trunk.outputs, batch)
        values = self._head(hidden.float()).squeeze(-1)
        return batch.spread(values)

    def add_gradient(
        self,
        batch: TokenBatch,
        old_values: torch.Tensor | None,
        returns: torch.Tensor | None,
        *,
        clip: float,
        counts: Counts,
        counted: bool = True,
    ) -> float:
        """Adds the gradient of the loss of a micro-batch; returns that loss.

        Args:
            batch: Its completions.
            old_values: The values of its tokens before any update.
            returns: The returns, which values should match.
            clip: How far values may move from `old_values`.
            counts: The counts of the whole update.
            counted: Whether the gradient is that of the loss; if not, it is 0.

        Raises:
            ValueError: The critic has not seen these completions before.
        """
        if old_values is None or returns is None:
            raise ValueError("the critic has not seen this experience")
        per_token = clipped_value_loss(self(batch), old_values, returns, clip)
        loss = aggregate(per_token, batch.completion_mask, "token", counts)
        with deterministic(per_token.device):
            self.optimizer.backward(loss if counted else loss * 0)
        return loss.item()

    def gradient_sums(self) -> list[RoundSum]:
        """Returns what adds up its gradients over ranks."""
        trunk = self._trunk.policy
        sums = gradient_sums(trunk.model, self.optimizer.moved, trunk.device)
        return [*sums, gradient_sum_of(self._head)] if trunk.divided else sums

    def parameters(self) -> list[torch.nn.Parameter]:
        """Returns the weights that are trained."""
        return [parameter for _, parameter in self._named()]

    def tensors(self) -> dict[str, torch.Tensor]:
        """Returns the weights and the state of the optimizer, as `optimizer_tensors` does."""
        weights = {f"weights/{name}": on_cpu(each) for name, each in self._named()}
        state = optimizer_tensors(self.optimizer, self._named())
        return weights | {f"optimizer/{name}": each for name, each in state.items()}

    @torch.no_grad()
    def restore(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Puts back what `tensors` returned.

        Raises:
            AgentError: They belong to another model.
        """
        for name, parameter in self._named():
            saved = tensors.get(f"weights/{name}")
            if saved is None or saved.shape != parameter.shape:
                found = "nothing" if saved is None else f"shape {tuple(saved.shape)}"
                raise AgentError(
                    f"The checkpoint is of another critic: {name} has shape "
                    f"{tuple(parameter.shape)} here, and there is {found} there."
                )
            parameter.copy_(like(saved, parameter))
        state = {
            name.removeprefix("optimizer/"): each
            for name, each in tensors.items()
            if name.startswith("optimizer/")
        }
        restore_optimizer(self.optimizer, self._named(), state)

    def _named(self) -> Iterator[tuple[str, torch.nn.Parameter]]:
        for prefix, module in (("trunk", self._model), ("head", self._head)):
            for name, parameter in module.named_parameters():
                if parameter.requires_grad:
                    yield f"{prefix}.{name}", parameter
