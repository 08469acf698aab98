"""Reasoning Gym: the adapter against a stand-in, and against the real package where installed."""

from __future__ import annotations

import importlib.util
import random
import sys
from pathlib import Path

import numpy as np
import pytest

from ttrl_benchmarks import BenchmarkError, UnknownNameError, load_benchmark

STAND_IN = """
import random
random.random()  # as the real package does
from . import factory

class Dice:
    def __init__(self, size, seed, sides):
        self.size, self.seed, self.sides = size, seed, sides

    def __getitem__(self, place):
        face = random.Random(f"{self.seed}/{place}").randrange(self.sides)
        answer = None if face == 0 else str(face)
        return {"question": f"Which face is {face}?", "answer": answer, "metadata": {}}

def create_dataset(task, size, seed, sides=1000):
    if sides < 1:
        raise ValueError("sides must be positive")
    return Dice(size, seed, sides)
"""


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package of the same name, with one task."""
    package = tmp_path / "reasoning_gym"
    package.mkdir()
    (package / "__init__.py").write_text(STAND_IN, encoding="utf-8")
    (package / "factory.py").write_text('DATASETS = {"dice": None}\n', encoding="utf-8")
    for name in [name for name in sys.modules if name.split(".")[0] == "reasoning_gym"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    # Also forgets the stand-in when the test ends.
    monkeypatch.setitem(sys.modules, "reasoning_gym", None)
    monkeypatch.setitem(sys.modules, "reasoning_gym.factory", None)
    del sys.modules["reasoning_gym"], sys.modules["reasoning_gym.factory"]


@pytest.mark.usefixtures("stand_in")
def test_questions_are_different_seeded_and_labelled_where_an_answer_is_known() -> None:
    state = random.getstate()
    benchmark = load_benchmark("reasoning-gym", task="dice", size=50, seed=3)
    assert random.getstate() == state
    assert benchmark.name == "reasoning-gym/dice"
    assert benchmark.answer_format == "text"
    assert len({question.text for question in benchmark.questions}) == len(benchmark) == 50
    for question in benchmark.questions:
        face = question.text.removeprefix("Which face is ").removesuffix("?")
        assert benchmark.labels.reveal(question.id) == (None if face == "0" else face)
    assert load_benchmark("reasoning-gym", task="dice", size=50, seed=3) == benchmark
    assert load_benchmark("reasoning-gym", task="dice", size=50, seed=4) != benchmark
    smaller = load_benchmark("reasoning-gym", task="dice", size=20, seed=3)
    assert smaller.questions == benchmark.questions[:20]


@pytest.mark.usefixtures("stand_in")
def test_repeats_are_passed_over_and_too_few_is_an_error() -> None:
    every = load_benchmark("reasoning-gym", task="dice", size=6, config={"sides": 6})
    assert len(every) == 6
    assert len(every.labels) == 5
    with pytest.raises(BenchmarkError, match="gave 6 different questions in 70 draws, not 7"):
        load_benchmark("reasoning-gym", task="dice", size=7, config={"sides": 6})


def test_a_package_without_what_it_needs_says_how_to_install_it(
    stand_in: None, tmp_path: Path
) -> None:
    package = tmp_path / "reasoning_gym"
    (package / "__init__.py").write_text("import what_no_one_has\n", encoding="utf-8")
    with pytest.raises(BenchmarkError, match=r"No module named 'what_no_one_has'.*\[reasoning-gym"):
        load_benchmark("reasoning-gym", task="dice", size=1)


@pytest.mark.usefixtures("stand_in")
def test_wrong_options_say_what_is_right() -> None:
    with pytest.raises(UnknownNameError, match=r"reasoning-gym task 'dise'.*'dice'"):
        load_benchmark("reasoning-gym", task="dise")
    with pytest.raises(BenchmarkError, match=r"refuses config=.*: sides must be positive"):
        load_benchmark("reasoning-gym", task="dice", config={"sides": -1})
    with pytest.raises(BenchmarkError, match=r"refuses config=.*sids"):
        load_benchmark("reasoning-gym", task="dice", config={"sids": 6})
    with pytest.raises(BenchmarkError, match="size=0 makes no question"):
        load_benchmark("reasoning-gym", task="dice", size=0)
    with pytest.raises(UnknownNameError, match="Unknown answer format 'number'"):
        load_benchmark("reasoning-gym", task="dice", answer_format="number")
    with pytest.raises(BenchmarkError, match=r"needs task=\.\.\."):
        load_benchmark("reasoning-gym")


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(BenchmarkError, match=r"pip install 'ttrl-env\[reasoning-gym\]'"):
        load_benchmark("reasoning-gym", task="chain_sum")


@pytest.mark.skipif(
    importlib.util.find_spec("reasoning_gym") is None, reason="reasoning-gym is not installed"
)
@pytest.mark.parametrize("task", ["chain_sum", "leg_counting", "spell_backward", "countdown"])
def test_tasks_of_the_real_package(task: str) -> None:
    state, legacy = random.getstate(), str(np.random.get_state())  # noqa: NPY002 - read to compare
    benchmark = load_benchmark("reasoning-gym", task=task, size=20, seed=5)
    assert random.getstate() == state
    assert str(np.random.get_state()) == legacy  # noqa: NPY002 - read to compare
    assert len(benchmark) == 20
    assert load_benchmark("reasoning-gym", task=task, size=20, seed=5) == benchmark
    assert load_benchmark("reasoning-gym", task=task, size=20, seed=6) != benchmark
