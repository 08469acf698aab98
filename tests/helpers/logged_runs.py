"""Short runs with logs, whole and interrupted."""

import json

import pytest

from ttrl_agents.callbacks import Callback, make_loggers
from ttrl_agents.callbacks.collapse import Alarm
from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.trainer import Interrupted, Trainer, resume_config


def small(output, **options) -> TrainConfig:
    """A run on six questions, three of them held out."""
    data = output.with_name("questions.jsonl")
    rows = [{"question": f"What is {i} + {i + 2}?", "answer": str(2 * i + 2)} for i in range(6)]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return TrainConfig(
        output=output,
        **{
            "env": "TTRL-Questions-v0",
            "data": data,
            "held_out": 0.5,
            "steps": 5,
            "questions_per_step": 2,
            "n_votes": 4,
            "max_tokens": 48,
            "eval_k": 2,
            "eval_every": 2,
            "checkpoint_every": 2,
            "sample_every": 2,
            **options,
        },
    )


class CrashError(Exception):
    pass


class Crash(Callback):
    """Dies without a word in the midst of a step: nothing is saved or closed on the way out."""

    def __init__(self, step):
        self.step = step

    def on_step(self, step, metrics):
        if step == self.step:
            raise CrashError


class Stop(Callback):
    def __init__(self, step):
        self.step = step

    def on_start(self, trainer):
        self.trainer = trainer

    def on_step(self, step, metrics):
        if step == self.step:
            self.trainer.request_stop()


def train(config, *more, resume=False):
    watchers = make_loggers(config)
    try:
        return Trainer(config, [*watchers, *more], resume=resume).run()
    finally:
        for watcher in watchers:
            watcher.close()


def interrupted_twice(config):
    """Crashes after step 3, goes on from step 2, is stopped after step 4, and goes on."""
    with pytest.raises(CrashError):
        train(config, Crash(3))
    with pytest.raises(Interrupted):
        train(resume_config(config.output), Stop(4), resume=True)
    return train(resume_config(config.output), resume=True)


def metrics_of(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


class Alarmed(Callback):
    """Ends the training by an alarm."""

    def on_start(self, trainer):
        self.trainer = trainer

    def on_step(self, step, metrics):
        if step == 3:
            self.trainer.raise_alarm(Alarm(step, "kl", "far away"), stop=True)
