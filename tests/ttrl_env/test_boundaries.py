"""Which package may import which, and how long importing ours takes."""

from __future__ import annotations

import importlib
import statistics
import subprocess
import sys

import pytest

OURS = {"ttrl_env", "ttrl_agents", "ttrl_benchmarks"}


def output_of(code: str) -> str:
    """What a fresh interpreter prints."""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout


def modules_after(statement: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after a statement."""
    code = f"{statement}\nimport sys\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    return set(output_of(code).split())


def test_the_environments_know_no_agent_and_no_deep_learning() -> None:
    loaded = modules_after(
        "import ttrl_env, ttrl_env.answers, ttrl_env.rendering, ttrl_env.testing\n"
        "import gymnasium\n"
        "envs = gymnasium.make_vec('TTRL-Arithmetic-v0', num_envs=4, group_size=2)\n"
        "envs.reset(seed=0); envs.step(['7'] * 4)"
    )
    assert OURS & loaded == {"ttrl_env", "ttrl_benchmarks"}
    heavy = {"torch", "transformers", "PIL", "matplotlib", "pyarrow", "pygame", "reasoning_gym"}
    assert not heavy & loaded


def test_the_benchmarks_stand_alone() -> None:
    loaded = modules_after(
        "import ttrl_benchmarks\nttrl_benchmarks.load_benchmark('arithmetic', size=5)"
    )
    assert OURS & loaded == {"ttrl_benchmarks"}
    assert not {"torch", "transformers", "gymnasium"} & loaded


IMPORT_TIMER = """
import time
import gymnasium, numpy
began = time.process_time()
import ttrl_env
print(time.process_time() - began)
"""


def test_importing_costs_little_over_gymnasium() -> None:
    def seconds() -> float:
        return float(output_of(IMPORT_TIMER))

    seconds()  # compiles what is not compiled yet
    # CPU time of the process, not of the wall: other people's load does not count.
    times = [seconds() for _ in range(5)]
    assert statistics.median(times) < 0.5, times


@pytest.mark.parametrize(
    "name",
    [
        "ttrl_env",
        "ttrl_env.consensus",
        "ttrl_env.envs",
        "ttrl_env.rendering",
        "ttrl_env.testing",
        "ttrl_env.wrappers",
    ],
)
def test_every_public_name_exists(name: str) -> None:
    package = importlib.import_module(name)
    assert [each for each in package.__all__ if not hasattr(package, each)] == []
