"""Options against annotations: what fits, and what is said where something does not."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest

from ttrl_benchmarks import UnknownNameError, UserError, benchmark_card, load_benchmark
from ttrl_benchmarks.options import check_options, fits


@pytest.mark.parametrize(
    ("value", "annotation", "right"),
    [
        (3, int, True),
        (True, int, False),
        (3.0, int, False),
        (3, float, True),
        (False, float, False),
        (True, bool, True),
        (1, bool, False),
        ("a", str, True),
        (None, str | None, True),
        (None, str, False),
        ("a", Literal["a", "b"], True),
        ("c", Literal["a", "b"], False),
        (True, Literal[1], False),
        ("a", str | os.PathLike[str], True),
        (Path("a"), os.PathLike[str], True),
        (3, str | os.PathLike[str] | None, False),
        ({"a": None}, Mapping[str, str | None], True),
        ({"a": 1}, Mapping[str, str | None], False),
        ([], Mapping[str, str], False),
        ((1, 2), tuple[int, ...], True),
        ((1, "2"), tuple[int, ...], False),
        (object(), Any, True),
    ],
)
def test_fits(value, annotation, right):
    assert fits(value, annotation) is right


def loader(
    *,
    path: str,
    level: int | None = None,
    form: Literal["a", "b"] = "a",
    free=None,
    some: Sequence[int] = (),
):
    return path, level, form, free, some


def test_options_that_fit_are_taken():
    check_options("it", loader, {"path": "x", "level": 3, "free": object()})
    check_options("it", loader, {"path": "x", "form": "c"})  # the loader lists its own names


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"path": "x", "levl": 3}, "Unknown option of it 'levl'. Did you mean 'level'"),
        ({"path": "x", "level": "3"}, "It: level='3' is not what the option takes"),
        ({"path": "x", "form": 3}, "which is 'a' or 'b'"),
        ({"path": "x", "some": 3}, "which is a list, each of it a whole number"),
        ({"path": "x", "some": [1, "2"]}, "which is a list, each of it a whole number"),
        ({"level": 3}, "It needs path="),
    ],
)
def test_options_that_do_not_are_named(options, message):
    with pytest.raises(UserError, match=message):
        check_options("it", loader, options)


def test_a_taken_parameter_is_unknown():
    with pytest.raises(UnknownNameError, match="Known: form, free, path, some"):
        check_options("it", loader, {"path": "x", "level": 3}, taken={"level"})
    with pytest.raises(UnknownNameError, match="level"):
        load_benchmark("math500-l3", level=4)


def test_a_held_out_split_is_one_that_its_benchmark_has():
    card = benchmark_card("arithmetic")
    train, held_out = (
        load_benchmark("arithmetic"),
        load_benchmark("arithmetic", split=card.held_out_split),
    )
    assert not {q.text for q in train.questions} & {q.text for q in held_out.questions}
    assert benchmark_card("aime24").held_out_split is None
