"""Time a training step on several ranks, and count what they say to each other.

    python benchmarks/speed/scaling.py                   # 1, 2 and 4 processes on the CPU
    python benchmarks/speed/scaling.py --device cuda --ranks 1 2 4 8 --model Qwen/Qwen2.5-Math-1.5B

Each line is a short run: the same questions, votes and options, on so many ranks, with all weights
on each rank ("whole") or divided over them ("divided"). Printed are

- steps per second, the first step left out, and how many times those of one rank that is;
- the idle share: turns of the update in which a rank has no micro-batch of its own;
- the skew: the slowest rank's time of sampling over the mean of all;
- collective operations a step, and the bytes that a rank hands to them.

On a CPU whose cores the ranks share this shows what the machinery costs, not what it gains: a rank
more takes the cores of the others. Strong scaling can be seen on GPUs alone.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[2] / "agents"))
sys.path.insert(0, str(Path(__file__).parents[1]))

from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.distributed.launch import Launch, launch
from ttrl_agents.distributed.world import close_world, start_world
from ttrl_agents.trainer import Trainer

# What a rank hands over is the last tensor argument but for those that come first.
COLLECTIVES = {
    "all_gather": 1,
    "all_gather_into_tensor": 1,
    "all_gather_single": 1,
    "all_reduce": 0,
    "all_to_all_single": 1,
    "reduce_scatter_single": 1,
    "reduce_scatter_tensor": 1,
}


def count_collectives(calls: Counter[str], bytes_sent: Counter[str]) -> None:
    """Counts PyTorch's collective operations from now on, and the bytes given to them."""
    for name, place in COLLECTIVES.items():
        setattr(dist, name, _counted(name, place, getattr(dist, name), calls, bytes_sent))


def _counted(
    name: str,
    place: int,
    function: Callable[..., Any],
    calls: Counter[str],
    bytes_sent: Counter[str],
) -> Callable[..., Any]:
    keyword = "input_tensor" if name in ("all_gather_into_tensor", "all_gather_single") else "input"

    def call(*arguments: Any, **options: Any) -> Any:
        tensor = arguments[place] if len(arguments) > place else options.get(keyword)
        calls[name] += 1
        if isinstance(tensor, torch.Tensor):
            bytes_sent[name] += tensor.numel() * tensor.element_size()
        return function(*arguments, **options)

    return call


def run(options: dict[str, Any], report: str) -> int:
    """One run, in one of its processes; the leader writes what was seen."""
    config = TrainConfig.from_dict(options)
    ranks = start_world(config.device)
    calls: Counter[str] = Counter()
    sent: Counter[str] = Counter()
    trainer = Trainer(config)
    count_collectives(calls, sent)
    trainer.run()
    if ranks.leads and config.output is not None:
        lines = (config.output / "metrics.jsonl").read_text().splitlines()
        metrics = [json.loads(line) for line in lines]
        found = {
            "seconds": [each["seconds"] for each in metrics[1:]],
            "idle": [each.get("idle_share", 0.0) for each in metrics],
            "skew": [each.get("sampling_skew", 1.0) for each in metrics],
            "calls": sum(calls.values()) / len(metrics),
            "bytes": sum(sent.values()) / len(metrics),
        }
        Path(report).write_text(json.dumps(found), encoding="utf-8")
    close_world()
    return 0


def measure(config: TrainConfig, ranks: int) -> dict[str, Any]:
    """What a run on so many ranks shows."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        options = {**config.to_dict(), "output": str(Path(folder) / "run")}
        status = launch(Launch(ranks), run, options, str(report))
        if status:
            sys.exit(status)
        found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
        return found


def main() -> None:
    """Measures and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--questions-per-step", type=int, default=8)
    parser.add_argument("--n-votes", type=int, default=16)
    parser.add_argument("--micro-batch-tokens", type=int, default=1024)
    given = parser.parse_args()
    config = TrainConfig(
        model=given.model,
        device=given.device,
        steps=given.steps,
        questions_per_step=given.questions_per_step,
        n_votes=given.n_votes,
        micro_batch_tokens=given.micro_batch_tokens,
        evaluate=False,
        checkpoint_every=given.steps,
        monitor_kl_every=0,
    )
    print(
        f"{given.model}, {given.device}, {given.steps} steps of {given.questions_per_step} x ",
        end="",
    )
    print(f"{given.n_votes} completions, micro-batches of {given.micro_batch_tokens} tokens")
    header = ("ranks", "weights", "steps/s", "of 1 rank", "idle", "skew", "operations", "MB a step")
    print("".join(f"{each:>12}" for each in header))
    first: float | None = None
    for ranks in given.ranks:
        for weights in ("whole", "divided") if ranks > 1 else ("whole",):
            shard = "full" if weights == "divided" else "no"
            found = measure(TrainConfig(**{**vars(config), "shard": shard}), ranks)
            rate = len(found["seconds"]) / sum(found["seconds"])
            first = first or rate
            idle, skew = (sum(found[each]) / len(found[each]) for each in ("idle", "skew"))
            cells = (
                str(ranks),
                weights,
                f"{rate:.3f}",
                f"{rate / first:.2f}",
                f"{idle:.1%}",
                f"{skew:.2f}",
                f"{found['calls']:.0f}",
                f"{found['bytes'] / 1e6:.2f}",
            )
            print("".join(f"{each:>12}" for each in cells), flush=True)


if __name__ == "__main__":
    main()
