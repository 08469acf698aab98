"""Ranges of options: which numbers they hold, and what an error says."""

import math
from dataclasses import dataclass, fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttrl_agents.config import EvalConfig, TrainConfig
from ttrl_agents.config.bounds import AT_LEAST_0, AT_LEAST_1, MORE_THAN_0, Bound, check_bounds
from ttrl_agents.errors import AgentError


@dataclass(frozen=True)
class Options:
    some_rate: object = 1


@given(st.floats(allow_nan=False))
def test_open_ends_leave_out_just_the_end(value):
    closed = Bound("", -1, 1)
    half = Bound("", -1, 1, open_high=True)
    open_ = Bound("", -1, 1, open_low=True, open_high=True)
    assert closed.holds(value) == (-1 <= value <= 1)
    assert half.holds(value) == (closed.holds(value) and value != 1)
    assert open_.holds(value) == (half.holds(value) and value != -1)


def test_nan_is_in_no_range():
    assert not any(each.holds(math.nan) for each in (AT_LEAST_0, AT_LEAST_1, MORE_THAN_0))


@pytest.mark.parametrize("kind", [TrainConfig, EvalConfig])
def test_no_option_may_be_infinite_or_nan(kind):
    for each in fields(kind):
        if "float" in str(each.type):
            for value in (math.inf, -math.inf, math.nan):
                given_value = (value,) if "tuple" in str(each.type) else value
                with pytest.raises(AgentError, match=f"--{each.name.replace('_', '-')} must be"):
                    kind(**{each.name: given_value})


@pytest.mark.parametrize("value", [1e-320, 1e-38, 0.0009])
def test_a_temperature_is_not_so_small_that_logits_overflow(value):
    with pytest.raises(AgentError, match=f"--temperature must be 0.001 or more, not {value}"):
        TrainConfig(temperature=value)
    with pytest.raises(AgentError, match=f"--temperature must be 0, or 0.001 or more, not {value}"):
        EvalConfig(temperature=value)
    with pytest.raises(AgentError, match="--eval-temperatures"):
        TrainConfig(eval_temperatures=(0.6, value))
    TrainConfig(temperature=0.001, eval_temperatures=(0.0, 0.001))
    EvalConfig(temperature=0)


def test_an_error_names_the_option_its_range_and_its_value():
    with pytest.raises(AgentError, match="--some-rate must be more than 0, not 0"):
        check_bounds(Options(0), {"some_rate": MORE_THAN_0})


@pytest.mark.parametrize("value", [None, (1.0, 0.0), 0])
def test_what_is_in_the_range_passes(value):
    check_bounds(Options(value), {"some_rate": AT_LEAST_0})


@pytest.mark.parametrize("value", [(), (1.0, -1.0)])
def test_of_a_tuple_each_number_has_to_be_in_the_range_and_there_has_to_be_one(value):
    with pytest.raises(AgentError, match="--some-rate"):
        check_bounds(Options(value), {"some_rate": AT_LEAST_0})


@pytest.mark.parametrize("kind", [TrainConfig, EvalConfig])
def test_every_bound_is_that_of_an_option_and_every_number_has_one(kind):
    names = {each.name for each in fields(kind)}
    assert set(kind.bounds) <= names
    numbers = {
        each.name
        for each in fields(kind)
        if (type(each.default) in (int, float) and not each.type.startswith("Literal"))
        or each.type in ("float | None", "int | None")
    }
    checked_elsewhere = {"dual_clip", "n_train", "engine_max_length"}
    assert numbers - checked_elsewhere <= set(kind.bounds)
