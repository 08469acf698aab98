"""Ray Train starts the processes of a training run on a cluster, and starts them again if one dies.

Every process runs the same trainer, as with `ttrl train --gpus N`: Ray Train is one more launcher.
It finds machines, starts a process on each GPU, and notices if a process or a machine is lost. It
then starts all of them again, on other machines if need be, and they go on from the last
checkpoint.

    pip install 'ttrl-env[ray]'
    python examples/ray_train.py                        # two processes on this machine, no GPU
    python examples/ray_train.py --workers 8 --gpu --model Qwen/Qwen2.5-Math-7B \
        --address auto --folder /shared/runs/first      # on a cluster that runs already

The folder has to be on a file system that all machines share. The same command goes on with a run
that has ended early.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import ray
from ray.train import FailureConfig, RunConfig, ScalingConfig
from ray.train.torch import TorchConfig, TorchTrainer

from ttrl_agents.config import TrainConfig
from ttrl_agents.distributed.world import close_world, start_world
from ttrl_agents.trainer import Trainer

# Gloo carries what the processes tell each other, NCCL what is on GPUs. A process may have to wait
# for the longest completion of another one.
BACKENDS = {False: "gloo", True: "cpu:gloo,cuda:nccl"}
SECONDS = 7200


def work(options: dict[str, Any]) -> None:
    """Runs the training run in one of the processes."""
    start_world(options["device"])
    config = TrainConfig.from_dict(options)
    Trainer(config, resume=True).run()  # it starts anew where there is nothing to go on with
    close_world()


def train(config: TrainConfig, workers: int, *, gpu: bool = False, failures: int = 3) -> None:
    """Runs a training run on a Ray cluster.

    Args:
        config: The options of the run, `output` among them.
        workers: How many processes.
        gpu: Whether each has a GPU.
        failures: How often all of them are started again because one died.

    Raises:
        ValueError: The options name no folder for the run.
    """
    if config.output is None:
        raise ValueError("the run needs an output folder, which all machines share")
    TorchTrainer(
        work,
        train_loop_config=config.to_dict(),
        torch_config=TorchConfig(backend=BACKENDS[gpu], timeout_s=SECONDS),
        scaling_config=ScalingConfig(num_workers=workers, use_gpu=gpu),
        run_config=RunConfig(
            storage_path=str(config.output.parent / "ray"),
            failure_config=FailureConfig(max_failures=failures),
        ),
    ).fit()


def main() -> None:
    """Reads the options, trains, and prints what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--address", help="a cluster that runs already; by default a new one here")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--gpu", action="store_true", help="a GPU for each process")
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--folder", type=Path, default=Path("runs/ray"))
    given = parser.parse_args()
    config = TrainConfig(
        model=given.model,
        steps=given.steps,
        output=given.folder.absolute(),
        device="cuda" if given.gpu else "cpu",
        shard="full",
        sampler="vllm" if given.gpu else "transformers",
        checkpoint_every=5,
        evaluate=False,
    )
    ray.init(given.address, include_dashboard=False, log_to_driver=False)
    train(config, given.workers, gpu=given.gpu)
    lines = (given.folder / "metrics.jsonl").read_text().splitlines()
    first, last = json.loads(lines[0]), json.loads(lines[-1])
    print(f"{last['step']} steps on {last['ranks']:.0f} processes, in {given.folder}")
    print(f"majority ratio at temperature {config.temperature:g}: ", end="")
    print(f"{first['majority_ratio']:.3f} in step 1, {last['majority_ratio']:.3f} in the last")


if __name__ == "__main__":
    main()
