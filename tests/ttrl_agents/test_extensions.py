"""One new file adds an advantage, a surrogate loss, a sampler, a callback or an algorithm.

Each file lies in a folder of an installed package, whose entry points name it; the command line
then knows it by name.
"""

import json
import os
import subprocess
import sys

import pytest

from ttrl_agents.cli.entry import main

FILES = {
    "median_advantage": '''
"""The reward minus the median of its group."""

from ttrl_agents.learning.advantages import AdvantageInputs, completion_advantage

@completion_advantage("over-median")
def over_median(inputs: AdvantageInputs):
    print("advantage", tuple(inputs.groups.shape))
    return inputs.groups - inputs.groups.median(dim=1, keepdim=True).values
''',
    "plain_surrogate": '''
"""The surrogate without a clip, which says of every token that it is held back."""

import torch
from ttrl_agents.learning.losses import SurrogateInputs, register_surrogate

@register_surrogate("plain")
def plain(inputs: SurrogateInputs):
    print("surrogate", inputs.algorithm.objective)
    return -inputs.ratio * inputs.advantages, torch.ones_like(inputs.ratio, dtype=torch.bool)
''',
    "counting_sampler": '''
"""The sampler of transformers, which counts its draws."""

from ttrl_agents.samplers import TransformersSampler, register_sampler

class CountingSampler(TransformersSampler):
    draws = 0

    def sample(self, prompts, params, **options):
        self.draws += 1
        return super().sample(prompts, params, **options)

    def metrics(self):
        return {"draws": float(self.draws)}

@register_sampler("counting")
def make(policy, options):
    return CountingSampler(policy, options.rows)
''',
    "line_callback": '''
"""A callback that prints a line a step."""

from ttrl_agents.callbacks import Callback, register_callback

class Line(Callback):
    def on_step(self, step, metrics):
        print("callback", step)

@register_callback("line")
def make(config):
    return Line()
''',
    "median_algorithm": '''
"""GRPO with the median."""

from ttrl_agents.config import ALGORITHMS, Algorithm

ALGORITHMS.register("median-grpo")(Algorithm(advantage="over-median"))
''',
}
ENTRY_POINTS = """
[ttrl_agents.advantages]
over-median = median_advantage
[ttrl_agents.surrogates]
plain = plain_surrogate
[ttrl_agents.samplers]
counting = counting_sampler
[ttrl_agents.callbacks]
line = line_callback
[ttrl_agents.algorithms]
median-grpo = median_algorithm
"""
OPTIONS = {
    "steps": 2,
    "questions-per-step": 2,
    "n-votes": 4,
    "max-tokens": 32,
    "log": "line",
    "sampler": "counting",
    "algorithm": "median-grpo",
    "objective": "plain",
}


@pytest.fixture
def installed(tmp_path):
    """A folder of packages in which one has the files above."""
    packages = tmp_path / "packages"
    about = packages / "extra_pieces-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: extra-pieces\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(ENTRY_POINTS)
    for name, source in FILES.items():
        (packages / f"{name}.py").write_text(source)
    return packages


def test_the_command_line_uses_what_an_installed_package_adds(installed, tmp_path):
    output = tmp_path / "run"
    words = [word for name, value in OPTIONS.items() for word in (f"--{name}", str(value))]
    done = subprocess.run(
        [sys.executable, "-m", "ttrl_agents", "train", "--output", output, "--no-evaluate", *words],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(installed), *sys.path])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    printed = done.stdout
    for line in ("advantage (2, 4)", "surrogate plain", "callback 1", "callback 2"):
        assert line in printed
    rows = [json.loads(each) for each in (output / "metrics.jsonl").read_text().splitlines()]
    assert [row["draws"] for row in rows] == [1, 2]
    trained = [row for row in rows if row["trained_completions"]]
    assert trained
    assert all(row["clip_fraction"] == 1 for row in trained)


@pytest.mark.parametrize(
    ("option", "name", "message"),
    [
        ("--advantage", "group-meen", "Unknown advantage 'group-meen'. Did you mean 'group-mean'"),
        ("--objective", "clop", "Unknown objective 'clop'. Did you mean 'clip'"),
        ("--sampler", "vlm", "Unknown sampler 'vlm'. Did you mean 'vllm'"),
        ("--log", "wandbe", "Unknown callback 'wandbe'. Did you mean 'wandb'"),
        ("--algorithm", "gprpo", "Unknown algorithm 'gprpo'. Did you mean 'grpo'"),
    ],
)
def test_a_wrong_name_lists_the_close_ones(tmp_path, capsys, option, name, message):
    assert main(["train", "--output", str(tmp_path / "run"), option, name]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
