"""A run: what it writes, that it repeats, that it goes on, and that labels do not move it."""

import json
import math
from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest
import torch
from small_runs import (
    CrashAfter,
    CrashError,
    Scribe,
    StopAfter,
    assert_same_run,
    metrics_of,
    small,
    weights_of,
)
from transformers import AutoModelForCausalLM, AutoTokenizer

from ttrl_agents.callbacks import Callback, CurvesCallback
from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.errors import AgentError
from ttrl_agents.policy import Policy, load_policy
from ttrl_agents.samplers import SamplingParams, TransformersSampler
from ttrl_agents.samplers.vllm.process import EngineError
from ttrl_agents.trainer import Interrupted, Trainer, resume_config
from ttrl_benchmarks import Benchmark, UnknownNameError
from ttrl_env.wrappers.label_metrics import METRICS


def test_a_run_writes_all_that_it_promises(tmp_path):
    config = small(tmp_path / "run", steps=2, evaluate=True, eval_k=2)
    summary = Trainer(config).run()
    folder = tmp_path / "run"
    assert summary == json.loads((folder / "summary.json").read_text())
    assert {"steps", "seconds", "seed", "env_id", "model", "reward"} <= set(summary)
    for when in ("before", "after"):
        for split in ("train", "held_out"):
            assert {"mean@2", "maj@2", "pass@2"} <= set(summary[when][split])
            assert summary[when][split]["questions"] == 100
    rows = metrics_of(folder)
    assert [row["step"] for row in rows] == [1, 2]
    for row in rows:
        assert row["skipped"] == 0
        assert np.isfinite([row["loss"], row["entropy"], row["grad_norm"]]).all()
        assert row["log_prob_gap"] < 1e-3
    model = AutoModelForCausalLM.from_pretrained(folder / "checkpoint")
    tokenizer = AutoTokenizer.from_pretrained(folder / "checkpoint")
    assert tokenizer.chat_template
    assert model.num_parameters() > 100_000
    planned = {"micro_batch_tokens": 4096, "engine_gpu_share": 0.5}  # what a run chooses by itself
    written = resume_config(folder).to_dict()
    assert written == {**config.to_dict(), **planned, "output": str(folder)}


@pytest.mark.parametrize("reward", ["guard", "held(inner=ddrl)"])
def test_a_reward_whose_advantages_have_no_place_is_refused_before_the_first_step(tmp_path, reward):
    # `guard` brings them at the first flip of a question, which may be hours later.
    with pytest.raises(AgentError, match="Use another --algorithm"):
        Trainer(small(tmp_path / "run", algorithm="ppo", reward=reward))


def test_a_run_of_no_steps_measures_and_draws(tmp_path):
    options = {"steps": 0, "evaluate": True, "eval_k": 2, "held_out": 0.0}
    summary = Trainer(small(tmp_path / "run", **options), [CurvesCallback()]).run()
    assert summary["steps"] == 0
    assert summary["before"]["train"]["questions"] == 100
    assert (tmp_path / "run" / "curves.png").is_file()
    assert metrics_of(tmp_path / "run") == []


def test_the_same_seed_gives_the_same_run_and_another_seed_another(tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        Trainer(small(tmp_path / name, seed=seed)).run()
    assert_same_run(tmp_path / "a", tmp_path / "b")
    assert metrics_of(tmp_path / "a") != metrics_of(tmp_path / "c")


def test_two_threads_repeat_bit_for_bit(tmp_path):
    # Large enough a batch that PyTorch shares the sums of its gradient among threads.
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        for name in "ab":
            options = {"questions_per_step": 8, "n_votes": 16, "max_tokens": 96}
            Trainer(small(tmp_path / name, **options)).run()
    finally:
        torch.set_num_threads(before)
    assert_same_run(tmp_path / "a", tmp_path / "b")


def test_deleting_every_label_changes_no_weight(tmp_path, monkeypatch):
    labelled = Trainer(small(tmp_path / "labelled"))
    labelled.run()
    original = Benchmark.__post_init__

    def without_labels(self):
        original(self)
        object.__setattr__(self, "labels", type(self.labels)())

    monkeypatch.setattr(Benchmark, "__post_init__", without_labels)
    bare = Trainer(small(tmp_path / "bare"))
    assert len(bare.benchmark.labels) == 0
    bare.run()
    first, second = weights_of(tmp_path / "labelled"), weights_of(tmp_path / "bare")
    assert all(torch.equal(first[name], second[name]) for name in first)
    for with_labels, without in zip(
        metrics_of(tmp_path / "labelled"), metrics_of(tmp_path / "bare"), strict=True
    ):
        assert {k: v for k, v in with_labels.items() if k not in METRICS} == without


@pytest.mark.parametrize("stop", [1, 2, 3])
def test_a_stopped_run_goes_on_to_the_same_weights(tmp_path, stop):
    Trainer(small(tmp_path / "whole")).run()
    with pytest.raises(Interrupted) as interrupted:
        Trainer(small(tmp_path / "halted"), [StopAfter(stop)]).run()
    assert interrupted.value.step == stop
    Trainer(resume_config(tmp_path / "halted"), resume=True).run()
    assert_same_run(tmp_path / "whole", tmp_path / "halted")


class StopWhileMeasuring(StopAfter):
    """Asks the trainer to stop in the midst of the evaluation after the first step."""

    def on_step(self, step, metrics):
        pass

    def on_tokens(self, count):
        if self.trainer.state.step == 1:
            self.trainer.request_stop()


def test_a_run_stopped_while_it_measures_is_saved_and_measures_again(tmp_path):
    options = {"eval_every": 1, "eval_k": 2, "steps": 2, "checkpoint_every": 100}
    whole = Trainer(small(tmp_path / "whole", **options)).run()
    with pytest.raises(Interrupted) as interrupted:
        Trainer(small(tmp_path / "halted", **options), [StopWhileMeasuring(1)]).run()
    assert interrupted.value.step == 1
    assert (tmp_path / "halted" / "checkpoints" / "step-000001").is_dir()
    halted = Trainer(resume_config(tmp_path / "halted"), resume=True).run()
    assert halted["during"] == whole["during"] != {}
    assert_same_run(tmp_path / "whole", tmp_path / "halted")


class Unreliable(TransformersSampler):
    """A sampler with weights of its own that fails in one of its draws."""

    copies_weights = True

    def __init__(self, policy, how, draw):
        super().__init__(policy)
        self.how, self.draws = how, draw

    def sample(self, prompts, params, **options):
        self.draws -= 1
        if self.draws == 0 and self.how == "dies":
            raise EngineError("The engine died.")
        completions = super().sample(prompts, params, **options)
        if self.draws == 0:
            for each in completions:
                each.log_probs *= 2
        return completions


@pytest.mark.parametrize(
    ("how", "draw", "message"),
    [
        ("dies", 4, "The engine died"),  # in the fourth step
        ("disagrees", 4, r"differ from the policy's by .* nats"),
        ("dies", 5, "The engine died"),  # while it measures, before that
    ],
)
def test_a_run_whose_sampler_fails_is_saved_up_to_there(tmp_path, how, draw, message):
    """And goes on to the same end, also with another bound for what may differ."""
    options = {"checkpoint_every": 100, "eval_every": 3 if draw == 5 else 0, "eval_k": 2}
    whole = Trainer(
        small(tmp_path / "whole", **options),
        sampler=lambda policy, config: Unreliable(policy, how, 0),
    )
    whole.run()
    with pytest.raises(AgentError, match=message + ".*saved after step 3. To go on: ttrl train"):
        Trainer(
            small(tmp_path / "run", **options),
            sampler=lambda policy, config: Unreliable(policy, how, draw),
        ).run()
    config = replace(resume_config(tmp_path / "run"), log_prob_tolerance=0.5)
    # Fails in no draw that is left; the first of them fell into the run that was saved.
    Trainer(config, resume=True, sampler=lambda policy, config: Unreliable(policy, how, 0)).run()
    assert_same_run(tmp_path / "whole", tmp_path / "run")


def test_a_resumed_run_is_held_to_the_model_that_it_began_with(tmp_path):
    options = {"kl_coef": 1.0}
    Trainer(small(tmp_path / "whole", **options)).run()
    with pytest.raises(Interrupted):
        Trainer(small(tmp_path / "halted", **options), [StopAfter(2)]).run()
    Trainer(resume_config(tmp_path / "halted"), resume=True).run()
    assert_same_run(tmp_path / "whole", tmp_path / "halted")


def test_a_killed_run_goes_on_from_its_last_checkpoint(tmp_path):
    Trainer(small(tmp_path / "whole")).run()
    with pytest.raises(CrashError):
        Trainer(small(tmp_path / "killed"), [CrashAfter(3)]).run()
    assert len(metrics_of(tmp_path / "killed")) == 3  # one more than the checkpoint knows
    with (tmp_path / "killed" / "metrics.jsonl").open("a") as file:
        file.write('{"step": 4, "majority_ra')  # a line torn by the kill
    Trainer(resume_config(tmp_path / "killed"), resume=True).run()
    assert_same_run(tmp_path / "whole", tmp_path / "killed")


def test_micro_batches_change_no_metric_beyond_rounding(tmp_path):
    Trainer(small(tmp_path / "large", steps=1)).run()
    Trainer(small(tmp_path / "small", steps=1, micro_batch_tokens=1)).run()
    large, tiny = metrics_of(tmp_path / "large")[0], metrics_of(tmp_path / "small")[0]
    for name in ("loss", "entropy", "grad_norm"):
        assert large[name] == pytest.approx(tiny[name], rel=1e-4, abs=1e-6)


def divergence_from_tiny(policy: Policy) -> float:
    """KL(policy || tiny) over the whole vocabulary, in nats per token of tiny's completions."""
    tiny = load_policy("tiny", device="cpu")
    prompts, _ = gym.make_vec("TTRL-Arithmetic-v0", num_envs=16, group_size=1).reset(seed=3)
    completions = TransformersSampler(tiny).sample(prompts, SamplingParams(48), seed=0)
    rows = zip(tiny.encode_prompts(prompts), completions, strict=True)
    divergences = []
    for prompt, completion in rows:
        ids = torch.tensor([[*prompt, *completion.token_ids]])
        with torch.no_grad():
            ours, its = (p.model(input_ids=ids).logits.log_softmax(-1) for p in (policy, tiny))
        divergences.append((ours.exp() * (ours - its)).sum(-1)[0, len(prompt) - 1 : -1])
    return torch.cat(divergences).mean().item()


def test_a_kl_term_holds_the_policy_to_where_it_began(tmp_path):
    moved = {}
    for name, weight in (("free", 0.0), ("held", 10.0)):
        trainer = Trainer(small(tmp_path / name, steps=8, kl_coef=weight, schedule="constant"))
        trainer.run()
        moved[name] = divergence_from_tiny(trainer.policy)
    assert 0 < moved["held"] < moved["free"] / 2
    held = metrics_of(tmp_path / "held")
    assert held[0]["kl"] == pytest.approx(0, abs=1e-7)
    assert held[-1]["kl"] > 0
    assert "kl" not in metrics_of(tmp_path / "free")[0]


def test_only_the_first_n_train_completions_are_trained_on(tmp_path):
    Trainer(small(tmp_path / "run", n_train=2)).run()
    trained = [row["trained_completions"] for row in metrics_of(tmp_path / "run")]
    assert max(trained) == 4  # 2 questions x n_train; fewer where a group teaches nothing


def test_unknown_names_list_the_close_ones(tmp_path):
    for options, message in (
        ({"env": "TTRL-Arithmetik-v0"}, "'TTRL-Arithmetic-v0'"),
        ({"reward": "majorty"}, "'majority'"),
        ({"model": "tinny"}, "'tiny'"),
    ):
        with pytest.raises(UnknownNameError, match=f"Did you mean {message}"):
            Trainer(small(tmp_path / "run", **options))
    assert not (tmp_path / "run").exists()


def test_a_folder_with_something_in_it_is_not_written_over(tmp_path):
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(AgentError, match="not empty"):
        Trainer(small(tmp_path))
    with pytest.raises(AgentError, match="no run in"):
        resume_config(tmp_path)


def test_a_damaged_checkpoint_is_refused_with_a_sentence(tmp_path):
    with pytest.raises(Interrupted):
        Trainer(small(tmp_path / "run"), [StopAfter(2)]).run()
    state = tmp_path / "run" / "checkpoints" / "step-000002" / "agent.safetensors"
    state.write_bytes(state.read_bytes()[:1000])
    with pytest.raises(AgentError, match="damaged"):
        Trainer(resume_config(tmp_path / "run"), resume=True).run()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_votes", 1),
        ("steps", -1),
        ("temperature", 0),
        ("temperature", math.inf),
        ("eval_temperatures", (0.6, math.inf)),
        ("n_train", 99),
        ("held_out", 1.0),
    ],
)
def test_options_out_of_range_name_the_option(name, value):
    with pytest.raises(AgentError, match="--" + name.replace("_", "-")):
        replace(TrainConfig(), **{name: value})


def test_config_round_trips_and_refuses_what_it_does_not_know(tmp_path):
    config = small(tmp_path / "run", data=tmp_path / "questions.json")
    assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    with pytest.raises(AgentError, match="learning_rte"):
        TrainConfig.from_dict({"learning_rte": 1})


def test_an_agent_of_ones_own_stands_in_the_place_of_ours(tmp_path):
    trainer = Trainer(small(tmp_path / "run", steps=3, max_tokens=8), agent=Scribe)
    trainer.run()
    assert trainer.agent.learned == [0, 1, 2]
    again = Trainer(small(tmp_path / "run", steps=3, max_tokens=8), agent=Scribe, resume=True)
    again.run()
    assert again.agent.learned == []


class Overflow(Scribe):
    """An agent whose loss is not finite."""

    def learn(self, rollout):
        return {"loss": float("inf"), "entropy": float("nan")}


def test_what_is_not_finite_is_null_in_the_metrics(tmp_path):
    Trainer(small(tmp_path / "run", steps=1, max_tokens=8), agent=Overflow).run()
    assert "Infinity" not in (tmp_path / "run" / "metrics.jsonl").read_text()
    (row,) = metrics_of(tmp_path / "run")
    assert row["loss"] is row["entropy"] is None


class Counter(Callback):
    def __init__(self) -> None:
        self.steps = 0

    def on_step(self, step, metrics):
        self.steps += 1
        if self.steps == 3:
            self.trainer.request_stop()

    def on_start(self, trainer):
        self.trainer = trainer

    def state_dict(self):
        return {"steps": self.steps}

    def load_state_dict(self, state):
        self.steps = state["steps"]


def test_a_callback_remembers_across_an_interruption(tmp_path):
    with pytest.raises(Interrupted):
        Trainer(small(tmp_path / "run"), [Counter()]).run()
    counter = Counter()
    Trainer(small(tmp_path / "run"), [counter], resume=True).run()
    assert counter.steps == 4
