"""The best checkpoint: by votes alone, never after an alarm, the same after an interruption."""

import json
import math
import tempfile
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from small_runs import CrashAfter, CrashError, metrics_of, small

from ttrl_agents.run.atomic import replace_folder
from ttrl_agents.run.best_checkpoint import (
    BEST,
    CRITERIA,
    BestCheckpoint,
    forget_candidates,
    keep_best,
)
from ttrl_agents.trainer import Trainer, resume_config


def metrics(value):
    names = ("majority_ratio", "margin", "mean_reward")
    return {**dict.fromkeys(names, value), "flip_rate": 1 - value}


def consider(best, step, **given):
    """What `keep_best` does, without files; returns the step that became the best, if one did."""
    before = best.step
    best.settle(step, last=given.get("last", False))
    best.propose(step, drifting=given.get("drifting", False))
    best.settle(step, last=given.get("last", False))
    return best.step if best.step != before else None


@pytest.mark.parametrize("criterion", CRITERIA)
def test_the_highest_mean_over_the_window_is_the_best(criterion):
    best = BestCheckpoint(criterion, window=2)
    assert consider(best, 0) == 0  # the start stands in until there is a better one
    assert best.to_dict() == {"criterion": criterion, "step": 0, "score": None}
    taken = []
    for step, value in enumerate((0.5, 0.7, 0.4, 0.9, 0.1, 0.8, 0.5), start=1):
        best.observe(metrics(value))
        taken.append(consider(best, step))
    # Step 1 has no full window; the means are 0.6, 0.55, 0.65, 0.5, 0.45, 0.65.
    assert taken == [None, 2, None, 4, None, None, 7]
    assert best.score == pytest.approx(0.65)


def test_a_checkpoint_becomes_the_best_only_after_a_delay_without_an_alarm():
    best = BestCheckpoint("reward", window=2, delay=3)
    consider(best, 0)
    became = {}
    for step in range(1, 10):
        best.observe(metrics(0.5 + step / 100))
        if (now := consider(best, step)) is not None:
            became[step] = now
    assert became == {5: 2, 8: 5}
    assert best.waiting == 8
    best.close()
    assert best.waiting is None
    best.observe(metrics(1.0))
    assert [consider(best, step, last=True) for step in range(10, 20)] == [None] * 10
    assert best.step == 5


def test_at_the_end_nothing_is_left_to_wait_for():
    best = BestCheckpoint("reward", window=2, delay=13)
    consider(best, 0)
    for value in (0.5, 0.6, 0.7):
        best.observe(metrics(value))
    assert consider(best, 3) is None
    assert consider(best, 3, last=True) == 3


def test_a_step_that_shows_signs_of_a_collapse_is_no_candidate():
    best = BestCheckpoint("reward", window=2)
    consider(best, 0)
    for value in (0.5, 0.6):
        best.observe(metrics(value))
    assert consider(best, 2, drifting=True) is None
    assert consider(best, 2) == 2


def test_the_initial_policy_has_the_score_of_the_first_step_up_to_its_noise():
    def first_taken(values):
        best = BestCheckpoint("reward", window=10)
        consider(best, 0)
        for step, value in enumerate(values, start=1):
            best.observe(metrics(value))
            consider(best, step)
        return best.step

    assert first_taken([0.53, 0.30, 0.15, *[0.12, 0.10] * 10]) == 0  # a model that is destroyed
    assert first_taken([0.60, *[0.44, 0.58] * 10]) > 0  # a lucky first step
    assert first_taken([0.50 - step / 100 for step in range(20)]) == 0  # it falls slowly
    assert first_taken([0.50] * 10) == 10  # of equals the later one


def test_a_step_without_a_value_counts_for_nothing():
    best = BestCheckpoint("stability", window=2)
    for flips in (math.nan, 0.5, math.nan, 0.3):
        best.observe({"flip_rate": flips})
    assert consider(best, 4) == 4
    assert math.isnan(best.score)  # the first policy that is seen stands in without a score
    best = BestCheckpoint("stability", window=2)
    consider(best, 0)
    for flips in (math.nan, 0.5, math.nan, 0.3):
        best.observe({"flip_rate": flips})
    assert consider(best, 4) == 4
    assert best.score == pytest.approx(0.6)


@given(values=st.lists(st.floats(0, 1), max_size=12), data=st.data())
def test_it_goes_on_after_json(values, data):
    stop = data.draw(st.integers(0, len(values)))
    drifting = data.draw(st.sets(st.integers(1, 12)))
    alarm = data.draw(st.integers(1, 20))
    whole, halted = (BestCheckpoint("margin", window=3, delay=2) for _ in range(2))
    consider(whole, 0)
    consider(halted, 0)
    for step, value in enumerate(values, start=1):
        if step == stop:
            state = json.loads(json.dumps(halted.state_dict()))
            halted = BestCheckpoint("margin", window=3, delay=2)
            halted.load_state_dict(state)
        for each in (whole, halted):
            each.observe(metrics(value))
            if step == alarm:
                each.close()
        taken = [consider(each, step, drifting=step in drifting) for each in (whole, halted)]
        assert taken[0] == taken[1]
        assert whole.state_dict() == halted.state_dict()


class Files:
    """Stands in for the policy: writes the step that it was saved at."""

    def __init__(self, folder, best):
        self.folder, self.best = folder, best

    def keep(self, step, **given):
        def write(path):
            replace_folder(path, lambda to: (to / "step").write_text(str(step)))

        keep_best(self.folder, self.best, step, write, **given)

    def content(self):
        return (self.folder / BEST / "step").read_text()


@given(values=st.lists(st.floats(0, 1), min_size=8, max_size=30), data=st.data())
def test_the_folder_holds_the_step_that_is_named_wherever_the_run_is_killed(values, data):
    every = data.draw(st.integers(1, 4))
    alarm = data.draw(st.integers(1, 40))
    kills = data.draw(st.sets(st.integers(1, len(values)), max_size=4))
    with tempfile.TemporaryDirectory() as name:
        files = Files(Path(name), BestCheckpoint("reward", window=3, delay=4))
        files.keep(0)
        saved, step = (files.best.state_dict(), 0), 0
        while step < len(values):
            step += 1
            files.best.observe(metrics(values[step - 1]))
            if step == alarm:
                files.best.close()
            if step % every and step < len(values):
                continue
            files.keep(step, last=step == len(values))
            if step in kills:  # the files are written, the state is not
                kills.discard(step)
                files.best = BestCheckpoint("reward", window=3, delay=4)
                state, step = json.loads(json.dumps(saved[0])), saved[1]
                files.best.load_state_dict(state)
                continue
            saved = files.best.state_dict(), step
            forget_candidates(files.folder, files.best)
            assert files.content() == str(files.best.step)
            assert len(list(files.folder.iterdir())) == 1 + (files.best.waiting is not None)
        assert [each.name for each in files.folder.iterdir()] == [BEST]


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
        "score": metrics_of(tmp_path / "run")[0]["majority_ratio"],
    }
    start = Trainer(small(tmp_path / "other")).policy.model.state_dict()
    best = best_weights(tmp_path / "run")
    assert all(torch.equal(best[name], start[name]) for name in best)
