"""The best checkpoint: by votes alone, never after an alarm, the same after an interruption."""

import json
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from small_runs import CrashAfter, CrashError, small

from ttrl_agents.run.best_checkpoint import CRITERIA, BestCheckpoint
from ttrl_agents.trainer import Trainer, resume_config


def metrics(value):
    names = ("majority_ratio", "margin", "mean_reward")
    return {**dict.fromkeys(names, value), "flip_rate": 1 - value}


@pytest.mark.parametrize("criterion", CRITERIA)
def test_the_highest_mean_over_the_window_is_the_best(criterion):
    best = BestCheckpoint(criterion, window=2)
    assert best.take(0)  # the start stands in until there is a better one
    assert best.to_dict() == {"criterion": criterion, "step": 0, "score": None}
    taken = []
    for step, value in enumerate((1.0, 0.2, 0.4, 0.9, 0.1, 0.8, 0.5), start=1):
        best.observe(metrics(value))
        if best.take(step):
            taken.append(step)
    # Step 1 has no full window; the means are 0.6, 0.3, 0.65, 0.5, 0.45, 0.65.
    assert taken == [2, 4, 7]
    assert best.score == pytest.approx(0.65)


def test_a_step_without_a_value_counts_for_nothing():
    best = BestCheckpoint("stability", window=2)
    for flips in (math.nan, 0.5, math.nan, 0.3):
        best.observe({"flip_rate": flips})
    assert best.take(4)
    assert best.score == pytest.approx(0.6)


@given(values=st.lists(st.floats(0, 1), max_size=12), data=st.data())
def test_it_goes_on_after_json(values, data):
    stop = data.draw(st.integers(0, len(values)))
    whole, halted = BestCheckpoint("margin", window=3), BestCheckpoint("margin", window=3)
    whole.take(0)
    halted.take(0)
    for step, value in enumerate(values, start=1):
        if step == stop:
            state = json.loads(json.dumps(halted.state_dict()))
            halted = BestCheckpoint("margin", window=3)
            halted.load_state_dict(state)
        for each in (whole, halted):
            each.observe(metrics(value))
        assert whole.take(step) == halted.take(step)
        assert whole.state_dict() == halted.state_dict()


def best_weights(folder):
    return load_file(folder / "checkpoints" / "best" / "model" / "model.safetensors")


def test_a_resumed_run_has_the_same_best(tmp_path):
    options = {"steps": 14, "checkpoint_every": 4, "questions_per_step": 1}
    whole = Trainer(small(tmp_path / "whole", **options)).run()
    with pytest.raises(CrashError):
        Trainer(small(tmp_path / "killed", **options), [CrashAfter(13)]).run()
    killed = Trainer(resume_config(tmp_path / "killed"), resume=True).run()
    assert killed["best"] == whole["best"]
    assert whole["best"]["step"] in (12, 14)
    assert whole["best"]["criterion"] == "majority-ratio"
    one, other = best_weights(tmp_path / "whole"), best_weights(tmp_path / "killed")
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_run_too_short_for_a_criterion_has_its_start_as_the_best(tmp_path):
    summary = Trainer(small(tmp_path / "run")).run()
    assert summary["best"] == {
        "checkpoint": "checkpoints/best/model",
        "criterion": "majority-ratio",
        "step": 0,
        "score": None,
    }
    start = Trainer(small(tmp_path / "other")).policy.model.state_dict()
    best = best_weights(tmp_path / "run")
    assert all(torch.equal(best[name], start[name]) for name in best)
