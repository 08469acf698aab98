"""Presets and the options that replace their pieces."""

from dataclasses import fields
from typing import get_type_hints

import pytest

from ttrl_agents.config.algorithms import ALGORITHMS, Algorithm
from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.errors import AgentError
from ttrl_benchmarks import UnknownNameError


def test_every_preset_is_different():
    assert len(set(ALGORITHMS.values())) == len(ALGORITHMS) == 13


def test_every_piece_of_an_algorithm_is_an_option_of_the_same_type():
    pieces, options = get_type_hints(Algorithm), get_type_hints(TrainConfig)
    for each in fields(Algorithm):
        assert options[each.name] == pieces[each.name] | None
        assert getattr(TrainConfig(), each.name) is None
    assert set(OTHER) == {each.name for each in fields(Algorithm)}


@pytest.mark.parametrize("name", ALGORITHMS)
def test_without_options_an_algorithm_is_its_preset(name):
    assert TrainConfig(algorithm=name).resolve_algorithm() == ALGORITHMS[name]


def test_the_default_is_one_update_of_grpo():
    assert TrainConfig().resolve_algorithm() == Algorithm()


OTHER = {
    "advantage": "leave-one-out",
    "scale_by_std": False,
    "whiten": True,
    "ratio": "sequence",
    "objective": "gate",
    "clip_low": 0.11,
    "clip_high": 0.13,
    "dual_clip": 3.0,
    "aggregation": "sequence",
    "kl_coef": 0.5,
    "kl_estimator": "k2",
    "kl_in": "reward",
    "entropy_coef": 0.01,
    "epochs": 2,
    "minibatches": 3,
    "gamma": 0.99,
    "gae_lambda": 0.9,
    "value_clip": 0.1,
    "overlong_buffer": 7,
    "importance_correction": "mask",
    "importance_level": "sequence",
    "importance_cap": 5.0,
}


@pytest.mark.parametrize("option", OTHER)
def test_each_option_replaces_one_piece(option):
    given = TrainConfig(**{option: OTHER[option]}).resolve_algorithm()
    changed = [
        each.name
        for each in fields(Algorithm)
        if getattr(given, each.name) != getattr(Algorithm(), each.name)
    ]
    assert changed == [option]
    assert getattr(given, option) == OTHER[option]


def test_a_preset_asks_for_at_most_one_update_a_question():
    assert TrainConfig(algorithm="dapo").resolve_algorithm().minibatches == 4
    few = TrainConfig(algorithm="dapo", questions_per_step=2)
    assert few.resolve_algorithm().minibatches == 2
    with pytest.raises(AgentError, match="--minibatches must be from 1 to questions_per_step = 2"):
        TrainConfig(questions_per_step=2, minibatches=3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"clip_low": 1.5}, r"--clip-low must be in \[0, 1\], not 1.5"),
        ({"clip_high": -0.1}, "--clip-high"),
        ({"dual_clip": 0.5}, "--dual-clip must be 0 or more than 1"),
        ({"kl_coef": -1.0}, "--kl-coef"),
        ({"kl_coef": 0.1, "kl_estimator": "k1"}, "k1 has no gradient on average"),
        (
            {"algorithm": "maxrl", "overlong_buffer": 20},
            "nothing can be subtracted",
        ),
        ({"algorithm": "maxrl", "kl_coef": 0.1, "kl_in": "reward"}, "nothing can be subtracted"),
        ({"epochs": 0}, "--epochs must be 1 or more, not 0"),
        ({"gae_lambda": 1.1}, "--gae-lambda"),
        ({"value_clip": -1.0}, "--value-clip"),
        ({"overlong_buffer": 300}, "--overlong-buffer must be from 0 to max_tokens = 256"),
        ({"importance_cap": 0.5}, "--importance-cap must be 1 or more"),
        ({"critic_learning_rate": 2.0}, "--critic-learning-rate"),
        ({"entropy_coef": -0.1}, "--entropy-coef"),
    ],
)
def test_values_out_of_range_name_the_option(options, message):
    with pytest.raises(AgentError, match=message):
        TrainConfig(**options)


def test_an_unknown_algorithm_lists_the_close_ones():
    with pytest.raises(UnknownNameError, match="Did you mean 'grpo'"):
        TrainConfig(algorithm="gprpo")
