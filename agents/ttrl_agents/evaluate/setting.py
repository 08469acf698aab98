"""The sampling settings of an evaluation: temperature and top-p.

- `SamplingSetting`: one of them, with its name in files and its title in tables.
- `SPLITS`: the two kinds of questions of a run.
- `PAPER_SETTING`: the setting of the TTRL paper.
- `settings_of_run`: the settings at which a training run is evaluated.
- `by_setting`: the results of a moment of a run by setting.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["PAPER_SETTING", "SPLITS", "SamplingSetting", "by_setting", "settings_of_run"]

SPLITS = ("train", "held_out")
"""The two kinds of questions of a run: those trained on, and those only evaluated."""


@dataclass(frozen=True)
class SamplingSetting:
    """How the completions of an evaluation are sampled.

    Attributes:
        temperature: The sampling temperature; 0 always takes the likeliest token.
        top_p: Only the likeliest tokens that together have this probability are sampled.
    """

    temperature: float
    top_p: float = 1.0

    @property
    def greedy(self) -> bool:
        """Whether the likeliest token is always taken, so that all completions are equal."""
        return self.temperature == 0

    @property
    def name(self) -> str:
        """The name in files and folders.

        >>> SamplingSetting(0.6, 0.95).name, SamplingSetting(1.0).name, SamplingSetting(0.0).name
        ('T0.6-top-p0.95', 'T1-top-p1', 'greedy')
        """
        return "greedy" if self.greedy else f"T{self.temperature:g}-top-p{self.top_p:g}"

    @property
    def title(self) -> str:
        """The name in tables and sentences.

        >>> SamplingSetting(0.6, 0.95).title, SamplingSetting(0.0).title
        ('T 0.6, top-p 0.95', 'greedy')
        """
        return "greedy" if self.greedy else f"T {self.temperature:g}, top-p {self.top_p:g}"

    def votes(self, k: int) -> int:
        """Returns how many of k completions to sample: one if greedy, since all would be equal."""
        return 1 if self.greedy else k

    def to_dict(self) -> dict[str, float]:
        """Returns the setting as JSON."""
        return {"temperature": self.temperature, "top_p": self.top_p}

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> SamplingSetting:
        """Returns the setting in scores or settings that name their `temperature` and `top_p`."""
        return cls(float(values["temperature"]), float(values["top_p"]))


PAPER_SETTING = SamplingSetting(0.6, 0.95)


def settings_of_run(
    temperatures: tuple[float, ...] | None,
    top_p: float,
    *,
    training_temperature: float,
    small_model: bool,
) -> tuple[SamplingSetting, ...]:
    """Returns the settings at which a run is evaluated, the main one first.

    Args:
        temperatures: The temperatures of the options, the main one first; by default 0.6, the
            paper's, and for small models also 0 and the training temperature.
        top_p: The top-p of the first; the others have 1, as in training.
        training_temperature: The temperature of sampling in training.
        small_model: Whether the model is small, so that evaluating it three times costs seconds.

    >>> settings = settings_of_run(None, 0.95, training_temperature=1.0, small_model=True)
    >>> [each.title for each in settings]
    ['T 0.6, top-p 0.95', 'greedy', 'T 1, top-p 1']
    """
    if temperatures is None:
        more = (0.0, training_temperature) if small_model else ()
        temperatures = (PAPER_SETTING.temperature, *more)
    settings = (
        SamplingSetting(each, 1.0 if place or each == 0 else top_p)
        for place, each in enumerate(temperatures)
    )
    return tuple(dict.fromkeys(settings))


def by_setting(results: Mapping[str, Any]) -> dict[SamplingSetting, dict[str, Any]]:
    """Returns the results of one moment of a run by setting, the main one first, then by split.

    In `summary.json`, `before` holds `train` and `held_out` at the main setting; results at another
    setting are under its name.

    >>> scores = {"temperature": 0.6, "top_p": 0.95, "mean@2": 0.5}
    >>> greedy = {"temperature": 0.0, "top_p": 1.0, "mean@1": 0.25}
    >>> results = {"train": scores, "held_out": None, "greedy": {"train": greedy, "held_out": None}}
    >>> [(setting.title, sorted(each)) for setting, each in by_setting(results).items()]
    [('T 0.6, top-p 0.95', ['held_out', 'train']), ('greedy', ['held_out', 'train'])]
    """
    main = {name: results[name] for name in SPLITS}
    others = [value for name, value in results.items() if name not in SPLITS]
    found = {}
    for scores in (main, *others):
        known = next((each for each in scores.values() if each is not None), None)
        if known is not None:
            found[SamplingSetting.of(known)] = scores
    return found
