"""The votes that a run keeps."""

import json

import numpy as np
import pytest
from small_runs import CrashAfter, CrashError, metrics_of, small

from ttrl_agents.run.votes import read_votes
from ttrl_agents.trainer import Trainer, resume_config


def test_a_run_keeps_the_votes_that_its_metrics_come_from(tmp_path):
    options = {"steps": 6, "questions_per_step": 4, "env_options": {"size": 8}}
    Trainer(small(tmp_path / "run", **options)).run()
    groups = read_votes(tmp_path / "run")
    assert [group.step for group in groups] == [step for step in range(1, 7) for _ in range(4)]
    assert [group.position for group in groups] == list(range(24))
    flips = []
    for row in metrics_of(tmp_path / "run"):
        step = [group for group in groups if group.step == row["step"]]
        assert np.mean([group.majority_ratio for group in step]) == row["majority_ratio"]
        assert np.mean([group.label_accuracy for group in step]) == row["label_accuracy"]
        assert np.mean([group.rewards for group in step]) == row["mean_reward"]
        known = [group.flip for group in step if group.flip is not None]
        assert (np.mean(known) if known else None) == row["flip_rate"]
        flips += known
        for group in step:
            assert sum(answer.count for answer in group.answers) + group.absent == 4
            assert [group.votes.count(place) for place in range(len(group.answers))] == [
                answer.count for answer in group.answers
            ]
    assert len(flips) > 4  # every question is visited three times


def test_a_killed_run_ends_with_the_same_votes(tmp_path):
    options = {"steps": 6, "env_options": {"size": 5}}
    Trainer(small(tmp_path / "whole", **options)).run()
    with pytest.raises(CrashError):
        Trainer(small(tmp_path / "killed", **options), [CrashAfter(5)]).run()
    path = tmp_path / "killed" / "votes.jsonl"
    assert json.loads(path.read_text().splitlines()[-1])["step"] == 5  # the checkpoint is of step 4
    with path.open("a") as file:
        file.write('{"step": 6, "torn')
    Trainer(resume_config(tmp_path / "killed"), resume=True).run()
    whole = (tmp_path / "whole" / "votes.jsonl").read_bytes()
    assert path.read_bytes() == whole
    assert b'"flip":true' in whole
