"""The health of a run: what cannot teach anything ends, saved, with the reason."""

import errno
import json
import os
import re
import shutil
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from small_runs import Scribe, metrics_of, small, weights_of

from ttrl_agents.callbacks import Callback
from ttrl_agents.config import EvalConfig
from ttrl_agents.errors import AgentError
from ttrl_agents.evaluate.runner import EvaluationRun
from ttrl_agents.learning import skipped_updates
from ttrl_agents.run.checkpoint import latest_state
from ttrl_agents.run.health import Health, check_weights, ran_out_of_memory
from ttrl_agents.tiny import checkpoint_path
from ttrl_agents.trainer import Trainer, resume_config
from ttrl_env import Completion


def fed(*steps, completions=64):
    health = Health()
    for metrics in steps:
        health.observe(
            {"updates": 1.0, "skipped": 0.0, "absent_answers": 0.5, **metrics}, completions
        )
    return health.verdict()


SKIPPED = {"updates": 2.0, "skipped": 2.0}
NO_ANSWER = {"absent_answers": 1.0}
CUT = {"truncated": 1.0, "groups_without_gradient": 1.0}


def test_five_steps_of_skipped_updates_in_a_row_are_enough():
    assert fed(*[SKIPPED] * 4) is None
    assert "Every update of the last 5 steps was skipped" in fed(*[SKIPPED] * 5)
    assert fed(*[SKIPPED] * 4, {}, *[SKIPPED] * 4) is None
    assert fed(*[{"updates": 2.0, "skipped": 1.0}] * 9) is None
    # A step without an advantage makes no update, and says nothing about the others.
    assert fed(*[SKIPPED] * 3, {"updates": 0.0}, *[SKIPPED] * 2) is not None


def test_steps_in_which_the_loss_scale_falls_do_not_count():
    falling = [{**SKIPPED, "loss_scale": 2.0 ** (12 - k)} for k in range(12)]
    assert fed({"loss_scale": 2.0**13}, *falling) is None
    assert fed({"loss_scale": 2.0**13}, *falling, *[SKIPPED] * 6) is not None


def test_whole_steps_without_an_answer_are_enough_when_they_are_many_completions():
    assert fed(*[NO_ANSWER] * 3) is None
    assert "None of the last 256 completions, those of 4 steps" in fed(*[NO_ANSWER] * 4)
    assert "those of 1 step," in fed(NO_ANSWER, completions=512)
    assert fed(*[NO_ANSWER] * 3, {}, *[NO_ANSWER] * 3) is None


def test_steps_in_which_nothing_ends_or_teaches_are_enough_too():
    assert "ended by itself, and no group has had votes to learn from" in fed(*[CUT] * 4)
    # Answers in a box before the limit are votes like any other.
    assert fed(*[{"truncated": 1.0, "groups_without_gradient": 0.5}] * 9) is None
    assert fed(*[{"truncated": 0.9, "groups_without_gradient": 1.0}] * 9) is None


def test_votes_that_have_come_to_agree_are_no_reason_to_end():
    learns = {"truncated": 1.0, "groups_without_gradient": 0.9}
    assert fed(learns, *[CUT] * 9) is None
    # Neither is it forgotten in a checkpoint.
    health = Health()
    health.observe(learns, 64)
    resumed = Health()
    resumed.load_state_dict(json.loads(json.dumps(health.state_dict())))
    for _ in range(9):
        resumed.observe(CUT, 64)
    assert resumed.verdict() is None


@given(st.lists(st.sampled_from([{}, SKIPPED, NO_ANSWER, CUT]), max_size=12), st.integers(0, 12))
def test_it_goes_on_after_json(steps, stop):
    whole, halted = Health(), Health()
    for number, metrics in enumerate(steps):
        if number == stop:
            state = json.loads(json.dumps(halted.state_dict()))
            halted = Health()
            halted.load_state_dict(state)
        for each in (whole, halted):
            each.observe({"updates": 1.0, "skipped": 0.0, **metrics}, 64)
        assert whole.verdict() == halted.verdict()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_weight_that_is_not_finite_is_named(random_policy, value):
    check_weights(random_policy.model, "of this model")
    name, weight = list(random_policy.model.named_parameters())[3]
    weight.data.view(-1)[-1] = value
    with pytest.raises(
        AgentError, match=rf"weights of this model are not finite: {re.escape(name)}"
    ):
        check_weights(random_policy.model, "of this model")


@pytest.fixture
def broken_model(tmp_path):
    folder = tmp_path / "broken"
    shutil.copytree(checkpoint_path(), folder)
    weights = load_file(folder / "model.safetensors")
    next(iter(weights.values())).view(-1)[0] = float("nan")
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    return str(folder)


def test_a_model_that_is_not_finite_is_neither_trained_nor_evaluated(tmp_path, broken_model):
    output = tmp_path / "out"
    with pytest.raises(AgentError, match="are not finite"):
        Trainer(small(output, model=broken_model))
    with pytest.raises(AgentError, match="are not finite"):
        EvaluationRun(EvalConfig(model=broken_model, limit=2, output=output))
    assert not output.exists()


class Spoil(Callback):
    """Puts a NaN into the weights after a step."""

    def __init__(self, at):
        self.at = at

    def on_start(self, trainer):
        self.trainer = trainer

    def on_step(self, step, metrics):
        if step == self.at:
            next(self.trainer.policy.model.parameters()).data.view(-1)[0] = float("nan")


@pytest.mark.parametrize("at", [3, 5])
def test_weights_that_are_not_finite_become_no_checkpoint(tmp_path, at):
    config = small(tmp_path / "run", steps=12, checkpoint_every=4)
    said = r"after step \d+ are not finite: .*step-00000\d is the last checkpoint, and whole"
    with pytest.raises(AgentError, match=said) as ended:
        Trainer(config, [Spoil(at)]).run()
    assert f"--config {tmp_path / 'run' / 'config.json'}" in str(ended.value)
    for model in (tmp_path / "run" / "checkpoints").glob("*/model/model.safetensors"):
        assert all(each.isfinite().all() for each in load_file(model).values())
    state = latest_state(tmp_path / "run" / "checkpoints")
    assert state.name == ("step-000000" if at == 3 else "step-000004")
    Trainer(resume_config(tmp_path / "run"), resume=True).run()
    assert all(each.isfinite().all() for each in weights_of(tmp_path / "run").values())


def test_a_run_that_only_skips_ends_saved_with_the_reason(tmp_path):
    config = small(tmp_path / "run", steps=30, checkpoint_every=10, kl_coef=1e38)
    said = r"Every update of the last 5 steps was skipped.*saved after step (\d+)\. To go on: ttrl"
    with pytest.raises(AgentError, match=said) as ended:
        Trainer(config).run()
    step = len(metrics_of(tmp_path / "run"))
    assert f"after step {step}." in str(ended.value)
    assert step < 15
    assert latest_state(tmp_path / "run" / "checkpoints").name == f"step-{step:06d}"


class Silent(Scribe):
    def act(self, observations, step, progress=None):
        return [Completion("Hm.", token_ids=[1], finished=False) for _ in observations]


def test_a_run_that_finds_no_answers_ends_saved_with_the_reason(tmp_path):
    config = small(tmp_path / "run", steps=9, questions_per_step=8, n_votes=16)
    with pytest.raises(AgentError, match=r"None of the last 256 completions, those of 2 steps"):
        Trainer(config, agent=Silent).run()
    assert latest_state(tmp_path / "run" / "checkpoints").name == "step-000002"


def test_the_batches_of_skipped_updates_are_bounded(tmp_path, random_policy):
    folder = tmp_path / "non_finite"
    assert skipped_updates.has_room(folder)
    for step in range(9):
        (folder / f"step-{step:06d}").mkdir(parents=True)
    assert skipped_updates.has_room(folder)
    (folder / "step-000009").mkdir()
    assert not skipped_updates.has_room(folder)


def test_a_full_disk_there_is_the_error_of_a_full_disk(tmp_path, monkeypatch):
    def full(*arguments):
        raise SafetensorError(f"Error while serializing: I/O error: (os error {errno.ENOSPC})")

    monkeypatch.setattr(skipped_updates, "save_file", full)
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)) as raised:
        Trainer(small(tmp_path / "run", kl_coef=1e38)).run()
    assert raised.value.errno == errno.ENOSPC


class Hungry:
    """A sampler for which there is never enough memory."""

    copies_weights = False

    def __init__(self, error):
        self.error = error

    def sample(self, *arguments, **options):
        raise self.error

    def metrics(self):
        return {}

    def sync(self):
        pass

    def close(self):
        pass


CPU = "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory"


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory"), MemoryError(), RuntimeError(CPU)]
)
def test_no_memory_to_sample_names_the_option(tmp_path, error):
    assert ran_out_of_memory(error)
    config = small(tmp_path / "run")
    said = r"no memory left to sample\..*--sample-rows \d+\..*saved after step 0\..*such an option"
    with pytest.raises(AgentError, match=said):
        Trainer(config, sampler=lambda policy, config: Hungry(error)).run()
    assert latest_state(tmp_path / "run" / "checkpoints").name == "step-000000"
    Trainer(replace(resume_config(tmp_path / "run"), sample_rows=2), resume=True).run()


def test_another_error_of_the_sampler_is_not_taken_for_it(tmp_path):
    error = RuntimeError("shapes differ")
    assert not ran_out_of_memory(error)
    with pytest.raises(RuntimeError, match="shapes differ"):
        Trainer(small(tmp_path / "run"), sampler=lambda policy, config: Hungry(error)).run()
