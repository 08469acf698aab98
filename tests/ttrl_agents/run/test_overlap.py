"""Held-out questions that are trained on are warned of."""

import json
import warnings

import pytest
from small_runs import small

from ttrl_agents.run.env_questions import load_questions
from ttrl_benchmarks import BenchmarkWarning


@pytest.fixture
def files(tmp_path):
    def write(name, *questions):
        path = tmp_path / name
        path.write_text(json.dumps([{"question": each} for each in questions]))
        return path

    return write("train.json", "1 + 1?", "2 + 2?"), write("test.json", "3 + 3?", " 1 +  1?")


def config_of(tmp_path, train, test):
    env = "TTRL-Questions-v0"
    return small(tmp_path / "run", env=env, data=train, held_out_env=env, held_out_data=test)


def test_the_first_of_them_is_named(tmp_path, files):
    said = r"also trained on: 1 of 2, the first 'test/1'\. What is measured on them is not transfer"
    with pytest.warns(BenchmarkWarning, match=said):
        load_questions(config_of(tmp_path, *files))


def test_questions_that_share_none_are_silent(tmp_path, files):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        files[1].write_text('[{"question": "3 + 3?"}]')
        load_questions(config_of(tmp_path, *files))
        load_questions(
            small(tmp_path / "run", env="TTRL-Questions-v0", data=files[0], held_out=0.5)
        )
