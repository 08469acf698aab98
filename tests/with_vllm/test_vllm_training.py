"""Training with vLLM: stale weights stop it, a dead engine ends it whole, and it learns."""

import json
import os
import signal

import pytest

from ttrl_agents.callbacks import Callback
from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.errors import AgentError
from ttrl_agents.evaluate import evaluate
from ttrl_agents.samplers import SamplingParams, TransformersSampler
from ttrl_agents.trainer import Trainer, resume_config


def small(output, **options) -> TrainConfig:
    return TrainConfig(
        output=output,
        sampler="vllm",
        device="cpu",
        **{
            "steps": 3,
            "questions_per_step": 2,
            "n_votes": 4,
            "max_tokens": 64,
            "evaluate": False,
            "engine_kv_gib": 1 / 8,
            **options,
        },
    )


def rows_of(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_stale_weights_stop_the_run(tmp_path, monkeypatch):
    trainer = Trainer(small(tmp_path / "run", learning_rate=1e-2))
    monkeypatch.setattr(trainer.sampler, "sync", lambda: None)
    with pytest.raises(AgentError, match=r"differ from the policy's by .* nats"):
        trainer.run()
    assert len(rows_of(tmp_path / "run")) < 3


class Killer(Callback):
    """Kills the engine after each step."""

    def on_start(self, trainer):
        self.trainer = trainer

    def on_step(self, step, metrics):
        os.kill(self.trainer.sampler.engine.pid, signal.SIGKILL)


def test_an_engine_that_keeps_dying_ends_the_run_with_its_checkpoint_whole(tmp_path):
    folder = tmp_path / "run"
    config = small(folder, steps=4, learning_rate=1e-3, checkpoint_every=100)
    # The engine is first missed where the weights are handed over: a step is counted, then saved.
    with pytest.raises(AgentError, match="To go on: ttrl train --resume"):
        Trainer(config, [Killer()]).run()
    rows = rows_of(folder)
    assert 1 <= len(rows) < 4
    assert rows[-1]["engine_restarts"] == 1
    # The engine of the resumed run has the weights of the checkpoint.
    summary = Trainer(resume_config(folder), resume=True).run()
    assert summary["steps"] == 4
    assert [row["step"] for row in rows_of(folder)] == [1, 2, 3, 4]
    assert max(row["sampler_gap"] for row in rows_of(folder)) < 1e-4


def test_merged_adapters_reach_the_engine(tmp_path):
    folder = tmp_path / "run"
    options = {"lora_rank": 4, "learning_rate": 1e-2, "evaluate": True, "eval_k": 1}
    trainer = Trainer(small(folder, **options))
    before = {name: tensor.clone() for name, tensor in trainer.policy.weights()}
    trainer.run()
    moved = [name for name, each in trainer.policy.weights() if not each.equal(before[name])]
    assert moved
    gaps = [row["sampler_gap"] for row in rows_of(folder)]
    assert len(gaps) == 3
    assert max(gaps) < 1e-4


class Interrupter(Callback):
    """Stands for Ctrl-C in the middle of the second draw."""

    def on_start(self, trainer):
        self.trainer = trainer
        self.engine = trainer.sampler.engine.pid

    def on_tokens(self, count):
        if self.trainer.state.step == 1:
            raise KeyboardInterrupt


def test_an_interrupt_while_sampling_leaves_no_engine_behind(tmp_path):
    watcher = Interrupter()
    with pytest.raises(KeyboardInterrupt):
        Trainer(small(tmp_path / "run"), [watcher]).run()
    with pytest.raises(ProcessLookupError):
        os.kill(watcher.engine, 0)


@pytest.mark.slow
def test_it_learns_as_with_the_sampler_of_transformers(tmp_path):
    """The same 50 steps of the main job with both; each gains, and about as much."""

    def mean_of(trainer):
        sampler, params = TransformersSampler(trainer.policy), SamplingParams(256)
        found = evaluate(sampler, trainer.benchmark, k=16, params=params, seed=0)
        return found.metrics["mean@16"].mean

    gains, before = {}, None
    for name in ("transformers", "vllm"):
        config = TrainConfig(
            output=tmp_path / name, sampler=name, steps=50, device="cpu", seed=3, evaluate=False
        )
        trainer = Trainer(config)
        before = before or mean_of(trainer)
        trainer.run()
        gains[name] = mean_of(trainer) - before
    assert max(row["sampler_gap"] for row in rows_of(tmp_path / "vllm")) < 1e-4
    # A gain over 100 questions is known to about five points on either side.
    assert min(gains.values()) > 0.15, gains
    assert abs(gains["vllm"] - gains["transformers"]) < 0.1, gains
