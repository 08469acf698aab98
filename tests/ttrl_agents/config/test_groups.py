"""The groups of options: every option is in one, by the heading above it."""

from dataclasses import dataclass, fields
from typing import ClassVar

import pytest

from ttrl_agents.config.eval_config import EvalConfig
from ttrl_agents.config.groups import Heading, groups_of, in_help_order
from ttrl_agents.config.train_config import TrainConfig


@dataclass
class Kettle:
    WATER: ClassVar[Heading]
    model: str = "tin"
    litres: float = 1.5
    POWER: ClassVar[Heading]
    watts: int = 2000


@dataclass
class Samovar(Kettle):
    TEA: ClassVar[Heading]
    leaves: str = "black"
    WATER: ClassVar[Heading]
    celsius: int = 95


@pytest.mark.parametrize("options", [TrainConfig, EvalConfig])
def test_every_option_is_in_one_group(options):
    grouped = [name for group in groups_of(options) for name in group.options]
    assert sorted(grouped) == sorted(each.name for each in fields(options))


def test_training_has_the_groups_of_its_help():
    titles = [group.title for group in groups_of(TrainConfig)]
    assert titles[:5] == [
        "model and questions",
        "sampling and votes",
        "reward",
        "algorithm",
        "optimizer",
    ]
    assert {"evaluation", "saving and logging", "engine"} <= set(titles)


def test_headings_of_a_base_are_the_same_groups_and_the_dataclass_sets_their_order():
    groups = {group.title: group.options for group in groups_of(Samovar)}
    assert list(groups) == ["tea", "water", "power"]
    assert groups["water"] == ("model", "celsius", "litres")


def test_a_heading_without_options_is_not_a_group():
    @dataclass
    class Empty(Kettle):
        NOTHING: ClassVar[Heading]

    assert [group.title for group in groups_of(Empty)] == ["water", "power"]


def test_an_option_above_the_first_heading_raises():
    @dataclass
    class Loose(Kettle):
        handle: str = "wood"

    with pytest.raises(TypeError, match=r"Loose\.handle is above the first heading"):
        groups_of(Loose)


def test_fields_are_reordered_and_keep_their_values():
    ordered = in_help_order(Samovar)
    assert [each.name for each in fields(ordered)] == [
        "leaves",
        "model",
        "celsius",
        "litres",
        "watts",
    ]
    assert ordered(celsius=80).celsius == 80
