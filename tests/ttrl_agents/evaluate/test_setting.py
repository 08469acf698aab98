"""The sampling settings at which a run is evaluated."""

from __future__ import annotations

from ttrl_agents.evaluate.setting import PAPER_SETTING, SamplingSetting, settings_of_run


def titles(temperatures: tuple[float, ...] | None, training: float, *, small: bool) -> list[str]:
    settings = settings_of_run(temperatures, 0.95, training_temperature=training, small_model=small)
    return [each.title for each in settings]


def test_a_small_model_is_measured_as_the_paper_does_greedily_and_as_it_trains() -> None:
    assert titles(None, 1.0, small=True) == ["T 0.6, top-p 0.95", "greedy", "T 1, top-p 1"]


def test_a_large_model_is_measured_as_the_paper_does_alone() -> None:
    assert titles(None, 1.0, small=False) == ["T 0.6, top-p 0.95"]


def test_training_at_the_papers_temperature_still_has_a_top_p_of_its_own() -> None:
    assert titles(None, 0.6, small=True) == ["T 0.6, top-p 0.95", "greedy", "T 0.6, top-p 1"]


def test_the_first_temperature_has_the_top_p_and_none_is_measured_twice() -> None:
    assert titles((1.0, 0.5), 1.0, small=False) == ["T 1, top-p 0.95", "T 0.5, top-p 1"]
    assert titles((0.0, 0.0), 1.0, small=True) == ["greedy"]


def test_greedy_samples_one_completion() -> None:
    assert SamplingSetting(0.0).votes(16) == 1
    assert PAPER_SETTING.votes(16) == 16


def test_a_setting_survives_json() -> None:
    assert SamplingSetting.of(PAPER_SETTING.to_dict()) == PAPER_SETTING
