"""The health of a run: whether its weights are finite, and whether its steps teach anything.

- `check_weights`: raises an error if a weight is not finite.
- `check_learned`: the same for the weights of a run, saying what is left of it.
- `Health`: follows the steps of a run and says when there is no use in going on.
- `ran_out_of_memory`: whether an error says that there was no memory left.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.distributed.tensor import DTensor

from ttrl_agents.distributed.world import world
from ttrl_agents.errors import AgentError
from ttrl_agents.run.checkpoint import latest_state
from ttrl_agents.run.folder import CONFIG
from ttrl_benchmarks.printable import counted

__all__ = ["Health", "check_learned", "check_weights", "ran_out_of_memory"]

_SKIPPED_STEPS = 5
_COMPLETIONS_IN_VAIN = 256
_ALLOCATOR = ("can't allocate memory", "not enough memory")


def check_weights(model: nn.Module, where: str) -> None:
    """Checks that every weight of a model is a finite number; every rank calls it.

    Args:
        model: The model.
        where: Which weights these are, for the message, e.g. `"of model 'tiny'"`.

    Raises:
        AgentError: One is NaN or infinite; the message names it and how many there are.
    """
    with world().agreement():
        broken = _not_finite(model)
        if broken:
            more = f" and {len(broken) - 1} other tensors" if len(broken) > 1 else ""
            raise AgentError(
                f"The weights {where} are not finite: {broken[0]}{more} hold NaN or inf."
            )


def _not_finite(model: nn.Module) -> list[str]:
    """Returns the names of the tensors that are not finite; of one that is divided, of our part."""
    named = [*model.named_parameters(), *model.named_buffers()]
    parts = [(name, each.to_local() if isinstance(each, DTensor) else each) for name, each in named]
    floating = [(name, each) for name, each in parts if each.is_floating_point() and each.numel()]
    if not floating:
        return []
    with torch.no_grad():
        # One transfer from a GPU for all of them.
        finite = torch.stack([each.isfinite().all() for _, each in floating]).tolist()
    return [name for (name, _), whole in zip(floating, finite, strict=True) if not whole]


def check_learned(model: nn.Module, folder: Path, step: int) -> None:
    """Checks that what a run has learned is finite; else its last checkpoint is what is left.

    Every rank calls it.

    Args:
        model: The model that is trained.
        folder: The run directory.
        step: The training steps that are done.

    Raises:
        AgentError: A weight is NaN or infinite; the message says what is left, and how to go on.
    """
    try:
        check_weights(model, f"after step {step}")
    except AgentError as error:
        saved = world().lead(lambda: _newest(folder / "checkpoints"))  # it tidies what it reads
        where = f"{saved} is the last checkpoint, and whole" if saved else "Nothing is saved"
        raise AgentError(
            f"{error} The run ends. {where}. With a smaller learning rate: ttrl train "
            f"--config {folder / CONFIG} --learning-rate RATE --output NEW"
        ) from error


def _newest(checkpoints: Path) -> str | None:
    saved = latest_state(checkpoints)
    return saved.name if saved else None


class Health:
    """Follows the steps of a run and says when there is no use in going on.

    A run has to end when no update of five steps in a row could be taken because the loss or the
    gradient was not finite, or when no completion of whole steps, 256 or more, had an answer, or
    ended by itself while no group had taught anything since the run began; votes that have come to
    agree teach nothing any more, and that is no reason to end. In half precision the steps in which
    the loss scale falls do not count.
    """

    def __init__(self) -> None:
        self._skipped = 0
        self._in_vain = 0
        self._steps_in_vain = 0
        self._answered = True
        self._taught = False
        self._loss_scale = 0.0

    def observe(self, metrics: Mapping[str, float], completions: int) -> None:
        """Adds the metrics of a step.

        Args:
            metrics: The metrics; `updates`, `skipped` and `loss_scale`, and the
                diagnostics of the votes are looked at.
            completions: How many were sampled.
        """
        updates, scale = metrics.get("updates", 0.0), metrics.get("loss_scale", 1.0)
        scale_fell, self._loss_scale = scale < self._loss_scale, scale
        if updates and metrics.get("skipped") == updates:
            self._skipped += not scale_fell
        elif updates:
            self._skipped = 0
        self._answered = metrics.get("absent_answers") != 1
        self._taught |= metrics.get("groups_without_gradient", 1.0) < 1
        cut = metrics.get("truncated") == 1 and not self._taught
        if cut or not self._answered:
            self._in_vain += completions
            self._steps_in_vain += 1
        else:
            self._in_vain = self._steps_in_vain = 0

    def verdict(self) -> str | None:
        """Returns why there is no use in going on, and what to do; `None` if there is."""
        if self._skipped >= _SKIPPED_STEPS:
            return (
                f"Every update of the last {self._skipped} steps was skipped, because its loss or "
                "gradient was not finite; non_finite/ has the batches. Nothing is learned. A "
                "smaller --learning-rate, --kl-coef or --entropy-coef may help, or "
                "--dtype float32."
            )
        if self._in_vain >= _COMPLETIONS_IN_VAIN:
            what = (
                "ended by itself, and no group has had votes to learn from"
                if self._answered
                else "has an answer, so there is nothing to vote on"
            )
            return (
                f"None of the last {self._in_vain} completions, those of "
                f"{counted(self._steps_in_vain, 'step')}, {what}. A larger --max-tokens, "
                "--stop-at-box, another --instruction or --chat-template, or a smaller "
                "--learning-rate may help."
            )
        return None

    def state_dict(self) -> dict[str, Any]:
        """Returns what is remembered, as JSON."""
        return {
            "skipped": self._skipped,
            "in_vain": [self._in_vain, self._steps_in_vain, self._answered],
            "taught": self._taught,
            "loss_scale": self._loss_scale,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts back what `state_dict` returned."""
        self._skipped, self._loss_scale = state["skipped"], state["loss_scale"]
        self._in_vain, self._steps_in_vain, self._answered = state["in_vain"]
        self._taught = state.get("taught", False)  # not in checkpoints of earlier versions


def ran_out_of_memory(error: BaseException) -> bool:
    """Returns whether an error says that there was no memory left, on a GPU or in the machine.

    >>> ran_out_of_memory(MemoryError()), ran_out_of_memory(RuntimeError("shapes differ"))
    (True, False)
    """
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _ALLOCATOR)
