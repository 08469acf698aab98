"""Splits, filters, concatenation and sealed labels, as properties of any benchmark."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttrl_benchmarks import Benchmark, BenchmarkError, Question, SealedLabels


def sums(size: int, name: str = "sums", labelled: bool = True) -> Benchmark:
    questions = tuple(
        Question(f"{name}/{n}", f"What is {n} + {n}?", level=n % 5 + 1) for n in range(size)
    )
    labels = {f"{name}/{n}": str(2 * n) for n in range(size)} if labelled else {}
    return Benchmark(name, questions, SealedLabels(labels), answer_format="integer")


def label_pairs(benchmark: Benchmark) -> list[tuple[str, str | None]]:
    return [(q.id, benchmark.labels.reveal(q.id)) for q in benchmark.questions]


@given(size=st.integers(2, 60), fraction=st.floats(0.01, 0.99), seed=st.integers(0, 2**64))
def test_a_split_is_a_partition_that_the_seed_names(size: int, fraction: float, seed: int) -> None:
    whole = sums(size)
    expected = round(fraction * size)
    if not 0 < expected < size:
        with pytest.raises(BenchmarkError, match="both parts need at least one"):
            whole.split(fraction, seed)
        return
    first, second = whole.split(fraction, seed)
    assert len(first) == expected
    assert sorted([*label_pairs(first), *label_pairs(second)]) == sorted(label_pairs(whole))
    order = {question: index for index, question in enumerate(whole.questions)}
    for part in (first, second):
        places = [order[question] for question in part.questions]
        assert places == sorted(places)
        assert len(part.labels) == len(part)
    again = whole.split(fraction, seed)
    assert (first, second) == again


def test_other_seeds_split_otherwise() -> None:
    whole = sums(100)
    splits = {whole.split(0.5, seed)[0].questions for seed in range(20)}
    assert len(splits) == 20


@given(size=st.integers(1, 40), level=st.integers(1, 5))
def test_a_filter_keeps_what_it_names(size: int, level: int) -> None:
    whole = sums(size)
    expected = [question for question in whole.questions if question.level == level]
    if not expected:
        with pytest.raises(BenchmarkError, match="no question is left"):
            whole.filter(level=level)
        return
    kept = whole.filter(level=level)
    assert list(kept.questions) == expected
    assert len(kept.labels) == len(kept)
    odd = whole.filter(lambda question: question == expected[0], level=level)
    assert odd.questions == (expected[0],)


def test_a_whole_is_its_parts_in_order() -> None:
    one, two, three = sums(3, "one"), sums(2, "two", labelled=False), sums(4, "three")
    whole = one.concatenate(two, three)
    assert whole.name == "one+two+three"
    assert label_pairs(whole) == label_pairs(one) + label_pairs(two) + label_pairs(three)
    assert whole.concatenate(name="all").questions == whole.questions
    first, second = whole.split(0.5, seed=1)
    assert sorted(label_pairs(first.concatenate(second))) == sorted(label_pairs(whole))


def test_parts_that_do_not_fit_are_refused() -> None:
    one = sums(3, "one")
    with pytest.raises(BenchmarkError, match="duplicate question id 'one/0'"):
        one.concatenate(sums(1, "one"))
    other = Benchmark("other", (Question("x", "?"),), answer_format="latex")
    with pytest.raises(BenchmarkError, match="answer_format 'latex', and 'one' has 'integer'"):
        one.concatenate(other)
    other = Benchmark("other", (Question("x", "?"),), answer_format="integer", instruction="Go")
    with pytest.raises(BenchmarkError, match="instruction 'Go', and 'one' has ''"):
        one.concatenate(other)


def test_unlabeled_has_no_label_and_every_question() -> None:
    whole = sums(5)
    bare = whole.unlabeled()
    assert bare == whole
    assert len(bare.labels) == 0
    assert all(label is None for _, label in label_pairs(bare))
    assert len(whole.labels) == 5


def test_labels_show_themselves_to_nobody_who_does_not_reveal_them() -> None:
    labels = SealedLabels({"a": "secret-a", "b": "secret-b"})
    whole = Benchmark("b", (Question("a", "?"), Question("b", "!")), labels)
    for shown in (repr(labels), str(labels), f"{labels}", repr(whole), repr(whole.questions)):
        assert "secret" not in shown
    with pytest.raises(TypeError):
        iter(labels)  # type: ignore[call-overload]
    with pytest.raises(TypeError):
        vars(labels)
    for other in (pickle.loads(pickle.dumps(labels)), copy.deepcopy(labels)):  # noqa: S301 - ours
        assert other.reveal("a") == "secret-a"


def test_broken_benchmarks_are_refused() -> None:
    with pytest.raises(BenchmarkError, match="has no questions"):
        Benchmark("none", ())
    with pytest.raises(BenchmarkError, match="unknown answer format 'number'"):
        Benchmark("b", (Question("a", "?"),), answer_format="number")  # type: ignore[arg-type]
