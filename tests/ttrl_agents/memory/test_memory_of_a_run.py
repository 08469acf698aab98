"""The memory of a run: its plan on a GPU, none on CPU, and the way out where it was wrong."""

import pytest
import torch

from ttrl_agents.config.presets import preset_config
from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.errors import AgentError
from ttrl_agents.learning.policy_gradient import PolicyGradientAgent
from ttrl_agents.memory import run as module
from ttrl_agents.memory.run import out_of_memory_advice, plan_run
from ttrl_agents.trainer import Trainer, resume_config


@pytest.fixture
def gpu(monkeypatch):
    """A GPU of 79.6 GiB that only the plan sees."""
    monkeypatch.setattr(module, "resolve_device", lambda _: torch.device("cuda"))
    monkeypatch.setattr(module, "resolve_dtype", lambda *_: torch.bfloat16)
    free = int(79.6 * 2**30)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (free, free))


def test_on_cpu_nothing_is_planned():
    config, plan = plan_run(TrainConfig(device="cpu"))
    assert plan is None
    assert config.micro_batch_tokens == 4096
    assert not config.gradient_checkpointing


@pytest.mark.usefixtures("gpu")
def test_the_paper_s_preset_with_vllm_is_made_to_fit():
    asked = preset_config("paper/aime24")
    config, plan = plan_run(TrainConfig.from_dict({**asked.to_dict(), "sampler": "vllm"}))
    assert plan is not None
    assert plan.fits
    assert config.micro_batch_tokens == plan.settings.micro_batch_tokens
    assert config.engine_gpu_share == plan.settings.engine_gpu_share
    assert "GiB at the most (estimated)" in plan.summary()


@pytest.mark.usefixtures("gpu")
def test_a_run_that_cannot_fit_ends_before_anything_is_loaded():
    with pytest.raises(AgentError, match="--lora-rank 64"):
        Trainer(preset_config("paper/aime24", model="Qwen/Qwen2.5-Math-7B"))


@pytest.mark.usefixtures("gpu")
def test_a_model_of_unknown_shape_is_not_planned_and_that_is_said(caplog):
    config, plan = plan_run(TrainConfig(model="someone/some-model"))
    assert plan is None
    assert config.micro_batch_tokens == 4096
    assert "not planned" in caplog.text


def test_a_full_gpu_ends_the_run_with_the_way_out_and_the_run_goes_on(tmp_path, monkeypatch):
    config = TrainConfig(
        output=tmp_path / "run", steps=3, questions_per_step=2, n_votes=4, max_tokens=16,
        evaluate=False, checkpoint_every=1, device="cpu",
    )  # fmt: skip
    learn = PolicyGradientAgent.learn

    def full(self, rollout):
        if rollout.step == 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return learn(self, rollout)

    with monkeypatch.context() as patch:
        patch.setattr(PolicyGradientAgent, "learn", full)
        with pytest.raises(AgentError) as caught:
            Trainer(config).run()
    said = str(caught.value)
    assert "update of step 3" in said
    assert "--micro-batch-tokens 2048" in said
    assert "--gradient-checkpointing" in said
    assert f"ttrl train --resume {tmp_path / 'run'}" in said
    assert Trainer(resume_config(tmp_path / "run"), resume=True).run()["steps"] == 3


def test_the_advice_names_only_what_is_left_to_do():
    said = out_of_memory_advice(
        TrainConfig(micro_batch_tokens=1024, gradient_checkpointing=True, sampler="vllm")
    )
    assert "--micro-batch-tokens" not in said
    assert "--gradient-checkpointing" not in said
    assert "--engine-sleep" in said
