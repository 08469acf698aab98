"""Prints what decides how one GPU keeps its master weights: in an optimizer, or in parts (FSDP2).

    python benchmarks/gpu/one_rank.py    # on the CPU, a minute

Both train the model `tiny`, written in bfloat16, from one seed. In the first, 16-bit weights have
float32 masters in the optimizer, as every run on one GPU has them. In the second, a world of one
rank holds float32 parts that are rounded as layers are gathered, as several ranks do with
`--shard full`. Counted are the bytes that a weight takes between steps, and how often all weights
are rounded; the two runs are compared, too.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import torch
import torch.distributed as dist
from torch.distributed.tensor import DTensor

from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.policy import divided
from ttrl_agents.policy.loading import load_policy
from ttrl_agents.policy.policy import Policy
from ttrl_agents.trainer import Trainer

STEPS = 4


@contextmanager
def in_parts() -> Iterator[None]:
    """Has weights divided in this context, though there is one rank."""
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    try:
        with mock.patch.object(divided, "_divides", return_value=True):
            yield
    finally:
        dist.destroy_process_group()


def local(tensor: torch.Tensor) -> torch.Tensor:
    """Returns what this rank holds of a tensor."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def size_of(tensors: list[torch.Tensor]) -> int:
    """Returns the bytes of tensors."""
    return sum(each.numel() * each.element_size() for each in map(local, tensors))


def measure(name: str, model: str) -> tuple[dict[str, torch.Tensor], list[str]]:
    """Trains; returns the weights, and a row of the table."""
    with tempfile.TemporaryDirectory() as folder:
        config = TrainConfig(
            model=model,
            output=Path(folder) / "run",
            steps=STEPS,
            questions_per_step=4,
            n_votes=8,
            max_tokens=64,
            micro_batch_tokens=512,
            learning_rate=1e-3,
            dtype="bfloat16",
            device="cpu",
            evaluate=False,
            monitor_kl_every=0,
        )
        run = Trainer(config)
        for each in run.agent._gradient_sums:  # type: ignore[attr-defined]
            each._scatters = ()  # with one rank PyTorch adds up all by itself, and calls none
        passes = 0

        def count(*_: object) -> None:
            nonlocal passes
            passes += torch.is_grad_enabled()

        body = run.policy.model.get_submodule("model.layers.0")
        body.register_forward_pre_hook(count)
        run.run()
        policy: Policy = run.policy
        optimizer = run.agent.optimizer  # type: ignore[attr-defined]
        weights = list(policy.model.parameters())
        count_of_all = sum(each.numel() for each in weights)
        state = [
            tensor
            for each in optimizer.state.values()
            for tensor in each.values()
            if isinstance(tensor, torch.Tensor) and tensor.dim()
        ]
        kept = (size_of(weights) + size_of(state)) / count_of_all
        # Forward and backward passes gather the layers; an optimizer rounds after its step.
        rounded = 2 * passes / STEPS if any(isinstance(each, DTensor) for each in weights) else 1
        found = {name: local(tensor).clone() for name, tensor in policy.weights()}
        return found, [name, f"{kept:.1f}", f"{rounded:g}"]


def main() -> None:
    """Prints the table."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        policy = load_policy("tiny", device="cpu", dtype="bfloat16")
        policy.save(Path(folder))
        start = {name: tensor.clone() for name, tensor in policy.weights()}
        ours, first = measure("masters in the optimizer", folder)
        with in_parts():
            theirs, second = measure("float32 parts (FSDP2)", folder)
    print("| | bytes a weight, without its gradient | roundings of all weights, each step |")
    print("|---|---|---|")
    for row in (first, second):
        print(f"| {' | '.join(row)} |")
    apart = max(float((ours[name] - theirs[name]).float().abs().max()) for name in ours)
    moved = max(float((ours[name] - start[name]).float().abs().max()) for name in ours)
    print(
        f"\nAfter {STEPS} steps weights have moved by up to {moved:.1e}, and are {apart:.1e} apart."
    )


if __name__ == "__main__":
    main()
