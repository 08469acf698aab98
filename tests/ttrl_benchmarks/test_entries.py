"""Benchmarks that others register, by hand and by entry points."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from ttrl_benchmarks import (
    Benchmark,
    BenchmarkCard,
    BenchmarkError,
    BenchmarkWarning,
    Question,
    UnknownNameError,
    benchmark_card,
    list_benchmarks,
    load_benchmark,
    plugins,
    register_benchmark,
    unregister_benchmark,
    watch_benchmarks,
)
from ttrl_benchmarks.entries import ENTRY_POINTS, BenchmarkEntry, Benchmarks

CARD = BenchmarkCard("riddles", "Riddles", "Riddles-v0", "text")


def load(size: int = 2, answer: str = "an egg") -> Benchmark:
    """Makes riddles."""
    questions = tuple(Question(f"riddle-{i}", f"What is it, {answer}?") for i in range(size))
    return Benchmark("riddles", questions, answer_format="text")


@pytest.fixture
def registered() -> None:
    register_benchmark(CARD, load, answer="a key")
    yield
    unregister_benchmark("riddles")


def test_what_is_registered_is_loaded_and_listed(registered: None) -> None:
    assert load_benchmark("Riddles", size=3).questions[2].text == "What is it, a key?"
    assert benchmark_card("riddles") is CARD
    assert list_benchmarks()[-1].env_id == "Riddles-v0"
    with pytest.raises(UnknownNameError, match=r"option of benchmark 'riddles' 'answer'.*size"):
        load_benchmark("riddles", answer="a lock")


def test_what_is_taken_back_is_gone(registered: None) -> None:
    card = BenchmarkCard("rhymes", "Rhymes", "Rhymes-v0", "text")
    register_benchmark(card, load)
    unregister_benchmark("rhymes")
    with pytest.raises(UnknownNameError, match="benchmark 'rhymes'"):
        load_benchmark("rhymes")
    for name in ("rhymes", "aime24"):  # gone already; and not registered
        with pytest.raises(UnknownNameError, match=f"registered benchmark '{name}'.*riddles"):
            unregister_benchmark(name)


@pytest.mark.parametrize(
    ("card", "message"),
    [
        (BenchmarkCard("aime24", "", "Mine-v0", "text"), "with the name 'aime24' already"),
        (BenchmarkCard("mine", "", "TTRL-AMC-v0", "text"), "with the env_id 'TTRL-AMC-v0' already"),
        (BenchmarkCard("My own", "", "Mine-v0", "text"), "cannot be named 'My own'; use small"),
    ],
)
def test_names_that_are_taken_or_cannot_be_are_refused(card: BenchmarkCard, message: str) -> None:
    with pytest.raises(BenchmarkError, match=message):
        register_benchmark(card, load)


def test_who_watches_is_told_of_all_that_are_come_and_go(registered: None) -> None:
    present: list[str] = []
    watch_benchmarks(lambda card: present.append(card.name), lambda card: present.remove(card.name))
    assert present == [row.name for row in list_benchmarks()]
    assert "riddles" in present
    register_benchmark(BenchmarkCard("rhymes", "Rhymes", "Rhymes-v0", "text"), load)
    assert present[-1] == "rhymes"
    unregister_benchmark("rhymes")
    assert "rhymes" not in present


def test_a_broken_package_is_named_and_harms_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [
        EntryPoint("broken", "no_such_module_anywhere", ENTRY_POINTS),
        EntryPoint("forgotten", "string", ENTRY_POINTS),
        EntryPoint("own", "no_such_module_anywhere", ENTRY_POINTS),
    ]
    monkeypatch.setattr(plugins, "entry_points", lambda *, group: points)
    benchmarks = Benchmarks()
    benchmarks.add(BenchmarkEntry(BenchmarkCard("own", "Own", "Own-v0", "text"), load))
    benchmarks.close_own()
    assert benchmarks["own"].load is load  # nothing is looked for yet
    with pytest.warns() as warned:
        assert list(benchmarks) == ["own"]
    assert [each.category for each in warned] == [UserWarning, BenchmarkWarning, BenchmarkWarning]
    assert "named 'own' already" in str(warned[0].message)
    with pytest.raises(BenchmarkError, match=r"'broken' of the installed.*ModuleNotFoundError"):
        benchmarks["broken"]
    with pytest.raises(BenchmarkError, match=r"'forgotten' .* is not registered by string"):
        benchmarks["forgotten"]
