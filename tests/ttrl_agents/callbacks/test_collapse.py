"""The monitor: each failure raises its alarm, health raises none, and a run acts as asked."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from small_runs import CrashAfter, CrashError, Scribe, assert_same_run, metrics_of, small

from ttrl_agents.callbacks import Callback, CollapseMonitor
from ttrl_agents.callbacks.collapse import (
    Alarm,
    CollapseDetector,
    CollapseThresholds,
    find_alarms,
)
from ttrl_agents.config import TrainConfig
from ttrl_agents.errors import AgentError
from ttrl_agents.trainer import Trainer, resume_config
from ttrl_env.consensus import Diagnostics

STEPS = 120


def ramp(step, first, last, steps=STEPS):
    return first + (last - first) * min(1.0, step / steps)


def healthy(step):
    """About what the tiny reasoner shows at the default options."""
    return {
        "majority_ratio": ramp(step, 0.4, 0.95),
        "flip_rate": math.nan if step < 13 else ramp(step, 0.2, 0.0, 60),
        "settled_drift": math.nan if step < 13 else ramp(step, 0.0, 0.05),
        "distinct_winners": 0.96 + 0.04 * math.sin(step),
        "entropy": ramp(step, 0.14, 0.02),
        "completion_tokens": 29 + 2 * math.sin(step),
        "finished_tokens": 29 + 2 * math.sin(step),
        "truncated": 0.0,
        "kl_start": ramp(step, 0.0, 0.05) if step % 5 == 0 else math.nan,
    }


def kinds_of(change):
    """The first alarm of each kind where `change` alters healthy metrics."""
    rows = [{**healthy(step), **change(step)} for step in range(STEPS)]
    first = {}
    for alarm in find_alarms(rows):
        first.setdefault(alarm.kind, alarm.step)
    return first


def test_a_healthy_run_raises_no_alarm():
    assert kinds_of(lambda step: {}) == {}


def after(start, name, value):
    return lambda step: {name: value} if step >= start else {}


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (after(70, "flip_rate", 0.3), "runaway"),
        (after(70, "settled_drift", 0.3), "runaway"),
        (after(70, "distinct_winners", 0.3), "runaway"),
        (after(70, "completion_tokens", 100.0), "length"),
        (after(70, "finished_tokens", 6.0), "length"),
        (after(70, "truncated", 0.5), "length"),
        (after(70, "kl_start", 0.5), "kl"),
    ],
)
def test_each_failure_raises_its_own_alarm_within_a_window(change, kind):
    alarms = kinds_of(change)
    assert set(alarms) == {kind}
    assert 70 < alarms[kind] <= 70 + 10 + 3


def test_an_entropy_that_never_falls_is_seen_once_it_has_had_its_time():
    def never(step):
        return {"entropy": 0.14 + 0.0001 * step, "majority_ratio": 0.4}

    assert kinds_of(never) == {"entropy": 60 + 2}
    assert kinds_of(lambda step: never(step) | {"entropy": ramp(step, 0.14, 0.1)}) == {}
    # What still trains may be as unsure as ever, where the rest agrees already.
    assert kinds_of(lambda step: never(step) | {"majority_ratio": ramp(step, 0.4, 0.6)}) == {}
    agreed = never(0) | {"majority_ratio": 0.96}
    assert kinds_of(lambda step: agreed) == {"entropy": 60 + 2}
    assert kinds_of(lambda step: agreed | {"majority_ratio": ramp(step, 0.96, 1.0, 40)}) == {}


def large(step):
    """A large model that learns to stop and to answer alike: lengths as in the paper's table 3."""
    return {
        "majority_ratio": ramp(step, 0.3, 0.7),
        "flip_rate": math.nan if step < 16 else 0.3 + 0.05 * math.sin(2 * step),
        "settled_drift": math.nan if step < 16 else 0.05 + 0.05 * math.sin(2 * step),
        "distinct_winners": 0.9 + 0.05 * math.sin(step),
        "entropy": ramp(step, 0.5, 0.1, 60),
        "completion_tokens": ramp(step, 2339, 624, 60),
        "finished_tokens": ramp(step, 900, 580, 60),
        "truncated": ramp(step, 0.65, 0.02, 60),
        "kl": ramp(step, 0.0, 0.35, 60),
    }


def test_a_large_model_that_learns_raises_no_alarm_and_one_that_collapses_does():
    def kinds(change):
        return {
            alarm.kind for alarm in find_alarms(change(large(step), step) for step in range(STEPS))
        }

    assert kinds(lambda row, step: row) == set()
    late = 80
    assert kinds(lambda row, step: row | ({"flip_rate": 0.8} if step > late else {})) == {"runaway"}
    assert kinds(lambda row, step: row | ({"kl": 0.9} if step > late else {})) == {"kl"}
    brief = {"completion_tokens": 40.0, "finished_tokens": 40.0}
    assert kinds(lambda row, step: row | (brief if step > late else {})) == {"length"}


@pytest.mark.parametrize("questions", [2, 8, 32])
@pytest.mark.parametrize("rate", [0.02, 0.1, 0.3, 0.5])
def test_shares_that_scatter_by_chance_raise_no_alarm(questions, rate):
    rng = np.random.default_rng([questions, round(100 * rate)])
    for _ in range(4):
        shares = rng.binomial(questions, rate, size=(250, 2)) / questions
        rows = [
            healthy(step) | {"flip_rate": flips, "truncated": truncated}
            for step, (flips, truncated) in enumerate(shares.tolist())
        ]
        assert find_alarms(rows) == []


@pytest.mark.parametrize("sureness", [0.2, 0.5, 1.0])
def test_votes_that_only_scatter_leave_no_answer_on_which_they_settled(sureness):
    """A policy that never changes, asked 50 questions again and again."""
    rng = np.random.default_rng(round(10 * sureness))
    chances = rng.dirichlet([sureness] * 4, size=50)
    diagnostics, rows = Diagnostics(16), []
    for step in range(150):
        asked = [(8 * step + place) % 50 for place in range(8)]
        votes = np.concatenate([rng.choice(4, size=16, p=chances[each]) for each in asked])
        infos = {
            "question_id": np.repeat(asked, 16),
            "vote": votes,
            "answer_key": votes.astype(str),
            "abstained": np.zeros(128, bool),
            "finished": np.ones(128, bool),
            "_vote": np.ones(128, bool),
        }
        rows.append(diagnostics.update(infos, np.zeros(128)))
    assert np.nanmax([row["flip_rate"] for row in rows]) > 0.3
    settled = [row["settled_drift"] for row in rows[10:]]
    assert np.mean(settled) < 0.05
    watched = [{name: row[name] for name in ("majority_ratio", "settled_drift")} for row in rows]
    assert find_alarms(watched) == []


@pytest.mark.parametrize("questions", [8, 32])
@pytest.mark.parametrize(
    ("name", "kind"),
    [("flip_rate", "runaway"), ("settled_drift", "runaway"), ("truncated", "length")],
)
def test_what_goes_up_for_good_is_seen_through_the_same_scatter(questions, name, kind):
    rng = np.random.default_rng(questions)
    rates = [0.1] * 100 + [0.7] * 20
    rows = [
        healthy(step) | {name: rng.binomial(questions, rate) / questions}
        for step, rate in enumerate(rates)
    ]
    (alarm,) = find_alarms(rows)
    assert alarm.kind == kind
    assert 100 < alarm.step <= 100 + 10 + 3


def test_flips_alone_are_no_runaway_where_votes_do_not_agree_more():
    change = after(70, "flip_rate", 0.3)
    assert kinds_of(lambda step: {**change(step), "majority_ratio": 0.4}) == {}


def test_answers_that_had_settled_and_change_are_a_runaway_whatever_the_votes_agree_on():
    change = after(70, "settled_drift", 0.3)
    assert set(kinds_of(lambda step: {**change(step), "majority_ratio": 0.4})) == {"runaway"}
    rows = [{**healthy(step), **change(step)} for step in range(STEPS)]
    (alarm,) = find_alarms(rows)
    assert "of the questions elect another answer than the one on which their" in alarm.message


def test_one_bad_step_is_not_enough_and_an_alarm_is_not_repeated_at_once():
    once = [healthy(s) | ({"distinct_winners": 0.1} if s == 70 else {}) for s in range(STEPS)]
    thresholds = CollapseThresholds(window=1, patience=2)
    assert find_alarms(once, thresholds) == []
    assert len(find_alarms(once, replace(thresholds, patience=1))) == 1
    always = [healthy(step) | {"kl_start": 0.9} for step in range(STEPS)]
    steps = [alarm.step for alarm in find_alarms(always, CollapseThresholds(window=1, rest=30))]
    assert steps == [3, 33, 63, 93]


def test_what_was_not_measured_raises_no_alarm():
    assert find_alarms([{"majority_ratio": 0.5}] * STEPS) == []
    assert find_alarms([{"flip_rate": 0.5, "kl_start": 9.0}] * STEPS) == []
    written = [json.loads(json.dumps({"entropy": None, "majority_ratio": 0.5}))] * STEPS
    assert find_alarms(written) == []


def test_a_divergence_is_remembered_until_it_is_measured_again_and_kl_stands_in_for_it():
    def first(every, name):
        rows = [{"entropy": ramp(step, 0.128, 0.02)} for step in range(STEPS)]
        for step in range(0, STEPS, every):
            rows[step][name] = 0.01 * step
        return [alarm.step for alarm in find_alarms(rows)][:1]

    # The entropy at the start is 0.124, so the limit is 0.155. The median of three passes it with
    # 0.15, 0.20, 0.25, and with 0, 0.2, 0.4.
    assert first(5, "kl_start") == first(5, "kl") == [26 + 2]
    assert first(20, "kl_start") == [41 + 2]


def test_one_measurement_far_off_is_no_spike():
    rows = [healthy(step) | {"kl_start": 5.0 if step == 60 else 0.1} for step in range(99)]
    assert find_alarms(rows) == []


def test_messages_hold_the_numbers():
    rows = [healthy(step) | after(70, "kl_start", 0.5)(step) for step in range(STEPS)]
    (alarm, *_) = find_alarms(rows)
    assert alarm.to_dict() == {
        "step": alarm.step,
        "kind": "kl",
        "message": alarm.message,
    }
    assert "the policy is 0.500 nats per token from its start" in alarm.message
    assert "was 0.136" in alarm.message


@pytest.mark.parametrize("name", ["window", "patience"])
def test_thresholds_that_could_never_be_met_are_refused(name):
    with pytest.raises(AgentError, match=f"{name} must be 1 or more, not 0"):
        CollapseThresholds(**{name: 0})


value = st.none() | st.floats(0, 3)
row = st.fixed_dictionaries(
    {
        "majority_ratio": st.floats(0, 1),
        "flip_rate": value,
        "settled_drift": value,
        "distinct_winners": value,
        "entropy": value,
        "completion_tokens": st.floats(1, 100),
        "finished_tokens": value,
        "truncated": st.floats(0, 1),
        "kl_start": value,
    }
)
QUICK = CollapseThresholds(window=2, patience=1, rest=3, entropy_steps=4)


@given(rows=st.lists(row, max_size=16), data=st.data())
def test_the_alarms_are_a_function_of_the_metrics_however_often_it_is_interrupted(rows, data):
    stop = data.draw(st.integers(0, len(rows)))
    whole, detector, alarms = CollapseDetector(QUICK), CollapseDetector(QUICK), []
    for index, each in enumerate(rows):
        if index == stop:
            state = json.loads(json.dumps(detector.state_dict()))
            detector = CollapseDetector(QUICK)
            detector.load_state_dict(state)
        whole.observe(each)
        alarms += detector.observe(each)
    assert alarms == find_alarms(rows, QUICK)
    assert detector.state_dict() == whole.state_dict()


# A length alarm at steps 2, 5, 8 and so on, and no other, whatever so small a run does.
ALWAYS = CollapseThresholds(
    window=2,
    patience=1,
    rest=3,
    flip_rise=math.inf,
    settled_rise=math.inf,
    winner_fall=math.inf,
    longer=0.0,
    kl_share=math.inf,
)


UNWATCHED = {"on_collapse": "ignore", "monitor_kl_every": 1}


class Witness(Callback):
    def __init__(self):
        self.alarms = []

    def on_alarm(self, alarm):
        self.alarms.append(alarm.step)


def alarmed(output, action, *callbacks, resume=False, **options):
    options = {"steps": 7, "questions_per_step": 1, **UNWATCHED, **options}
    config = resume_config(output) if resume else small(output, **options)
    return Trainer(config, [CollapseMonitor(action, ALWAYS), *callbacks], resume=resume)


def test_warning_changes_nothing_but_what_is_said(tmp_path):
    plain = Trainer(small(tmp_path / "plain", steps=7, questions_per_step=1, **UNWATCHED)).run()
    witness = Witness()
    warned = alarmed(tmp_path / "warned", "warn", witness).run()
    assert_same_run(tmp_path / "plain", tmp_path / "warned")
    assert witness.alarms == [alarm["step"] for alarm in warned["alarms"]] == [2, 5]
    assert plain["alarms"] == []
    assert not warned["stopped"]


def test_reducing_multiplies_the_rate_and_survives_a_kill(tmp_path):
    options = {"schedule": "constant", "warmup_steps": 1}
    alarmed(tmp_path / "whole", "reduce", **options).run()
    with pytest.raises(CrashError):
        alarmed(tmp_path / "killed", "reduce", CrashAfter(7), **options).run()
    alarmed(tmp_path / "killed", "reduce", resume=True).run()
    assert_same_run(tmp_path / "whole", tmp_path / "killed")
    rates = [row["learning_rate"] for row in metrics_of(tmp_path / "whole")]
    assert rates == pytest.approx([1e-3] * 2 + [2.5e-4] * 3 + [6.25e-5] * 2)


@pytest.fixture
def few(tmp_path):
    """Options of a run that measures four questions, so that measuring is quick."""
    lines = [json.dumps({"question": f"What is {i} + 1?", "answer": str(i + 1)}) for i in range(4)]
    (tmp_path / "four.jsonl").write_text("\n".join(lines))
    return {
        "env": "TTRL-Questions-v0",
        "data": tmp_path / "four.jsonl",
        "evaluate": True,
        "eval_k": 2,
    }


def test_stopping_goes_back_to_the_best_checkpoint(tmp_path, few):
    summary = alarmed(tmp_path / "run", "stop", **few).run()
    assert summary["stopped"]
    assert summary["steps"] == len(metrics_of(tmp_path / "run")) == 2
    assert summary["checkpoint_step"] == summary["best"]["step"] == 0
    assert summary["after"]["train"]["questions"] == 4
    end = load_file(tmp_path / "run" / "checkpoint" / "model.safetensors")
    best = load_file(tmp_path / "run" / "checkpoints" / "best" / "model" / "model.safetensors")
    assert all(torch.equal(end[name], best[name]) for name in end)


class Keeper(Callback):
    """Keeps the weights after each step."""

    def __init__(self):
        self.weights = {}

    def on_start(self, trainer):
        self.model = trainer.policy.model

    def on_step(self, step, metrics):
        self.weights[step] = {k: v.clone() for k, v in self.model.state_dict().items()}


class AlarmAt(Callback):
    """Raises an alarm after a step, and stops the run."""

    def __init__(self, step):
        self.at = step

    def on_start(self, trainer):
        self.trainer = trainer

    def on_step(self, step, metrics):
        if step == self.at:
            self.trainer.raise_alarm(Alarm(step, "kl", "made up"), stop=True)


@pytest.mark.parametrize("lora_rank", [0, 2])
def test_stopping_takes_up_the_best_weights_and_not_the_last(tmp_path, lora_rank):
    if lora_rank:
        pytest.importorskip("peft", reason="LoRA needs the package peft")
    config = small(
        tmp_path / "run",
        steps=30,
        questions_per_step=1,
        max_tokens=16,
        checkpoint_every=5,
        lora_rank=lora_rank,
        on_collapse="ignore",
    )
    keeper = Keeper()
    trainer = Trainer(config, [AlarmAt(26), keeper])
    summary = trainer.run()
    assert list(keeper.weights) == list(range(1, 27))
    assert summary["checkpoint_step"] == 10  # it had waited for 13 steps without an alarm
    end, best = trainer.policy.model.state_dict(), keeper.weights[summary["checkpoint_step"]]
    assert all(torch.equal(end[name], best[name]) for name in best)
    assert not all(torch.equal(end[name], keeper.weights[26][name]) for name in best)


def test_a_run_has_one_monitor(tmp_path):
    with pytest.raises(AgentError, match=r"--on-collapse warn.*set on_collapse to ignore"):
        Trainer(small(tmp_path / "run"), [CollapseMonitor("stop")])


class CrashWhileMeasuring(Callback):
    def on_phase(self, name):
        if name == "measuring the end":
            raise CrashError


def test_a_run_that_was_stopped_and_killed_while_it_measured_trains_no_further(tmp_path, few):
    whole = alarmed(tmp_path / "whole", "stop", **few).run()
    with pytest.raises(CrashError):
        alarmed(tmp_path / "killed", "stop", CrashWhileMeasuring(), **few).run()
    killed = alarmed(tmp_path / "killed", "stop", resume=True).run()
    assert_same_run(tmp_path / "whole", tmp_path / "killed")
    for key in ("after", "alarms", "best", "stopped", "checkpoint_step", "steps"):
        assert killed[key] == whole[key]


def test_no_checkpoint_within_a_window_before_the_first_alarm_is_the_best(tmp_path):
    late = replace(ALWAYS, window=13)
    config = small(tmp_path / "run", steps=14, checkpoint_every=1, on_collapse="ignore")
    summary = Trainer(config, [CollapseMonitor("warn", late)]).run()
    assert [alarm["step"] for alarm in summary["alarms"]] == [13]
    assert summary["best"]["step"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("options", [{"learning_rate": 1e-2}, {"reward": "random"}])
def test_stopping_never_goes_back_to_a_model_that_is_destroyed(tmp_path, options):
    config = TrainConfig(
        **{"learning_rate": 2e-3, **options},
        steps=40,
        n_votes=8,
        questions_per_step=4,
        max_tokens=64,
        env_options={"size": 20},
        schedule="constant",
        warmup_steps=0,
        checkpoint_every=5,
        on_collapse="stop",
        eval_k=4,
        output=tmp_path / "run",
    )
    summary = Trainer(config).run()
    assert summary["stopped"]
    before, after = (summary[name]["train"]["mean@4"] for name in ("before", "after"))
    assert after >= 0.8 * before > 0


def test_a_reduction_needs_an_agent_that_takes_it(tmp_path):
    config = small(tmp_path / "run", steps=1, max_tokens=8, on_collapse="reduce")
    with pytest.raises(AgentError, match="Scribe lacks"):
        Trainer(config, agent=Scribe).run()
    with pytest.raises(AgentError, match=r"no action 'panic'.*warn, reduce, stop"):
        CollapseMonitor("panic")
