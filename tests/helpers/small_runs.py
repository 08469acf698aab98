"""Runs that take a second or two, and what two of them must have in common.

- `small`: the options of one.
- `metrics_of`, `weights_of`: what it left, but for times.
- `assert_same_run`: that two left the same, bit for bit.
- `StopAfter`, `CrashAfter`: stop a run in good order, and without a word.
- `Scribe`: an agent that only writes down what it is given.
"""

import json

import torch
from safetensors.torch import load_file

from ttrl_agents.callbacks import Callback
from ttrl_agents.config import TrainConfig
from ttrl_agents.samplers import SamplingParams

TIMES = {"seconds", "tokens_per_second"}


def small(output, **options) -> TrainConfig:
    return TrainConfig(
        output=output,
        **{
            "steps": 4,
            "questions_per_step": 2,
            "n_votes": 4,
            "max_tokens": 48,
            "learning_rate": 1e-3,
            "evaluate": False,
            "checkpoint_every": 2,
            **options,
        },
    )


def metrics_of(folder):
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k not in TIMES} for line in lines]


def weights_of(folder):
    return load_file(folder / "checkpoint" / "model.safetensors")


def assert_same_run(one, other):
    assert metrics_of(one) == metrics_of(other)
    assert (one / "votes.jsonl").read_bytes() == (other / "votes.jsonl").read_bytes()
    first, second = weights_of(one), weights_of(other)
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name


class StopAfter(Callback):
    """Asks the trainer to stop once it has done so many steps."""

    def __init__(self, steps):
        self.steps = steps

    def on_start(self, trainer):
        self.trainer = trainer

    def on_step(self, step, metrics):
        if step == self.steps:
            self.trainer.request_stop()


class CrashError(Exception):
    pass


class CrashAfter(StopAfter):
    """Dies without a word, as a process that is killed does: nothing is saved on the way out."""

    def on_step(self, step, metrics):
        if step == self.steps:
            raise CrashError


class Scribe:
    """An agent with nothing but `act` and `learn`."""

    def __init__(self, policy, config, sampler) -> None:
        self.sampler, self.learned = sampler, []

    def act(self, observations, step, progress=None):
        return self.sampler.sample(observations, SamplingParams(8), seed=step)

    def learn(self, rollout):
        self.learned.append(rollout.step)
        return {"entropy": 0.0}
