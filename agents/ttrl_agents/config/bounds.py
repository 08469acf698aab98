"""The ranges of options, as tables that name the option in their errors.

- `Bound`: a range and its words.
- `check_bounds`: compares the values of a dataclass of options with a table.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ttrl_agents.config.serialization import option_name
from ttrl_agents.errors import AgentError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["AT_LEAST_0", "AT_LEAST_1", "LEAST_TEMPERATURE", "MORE_THAN_0", "Bound", "check_bounds"]

# Divided by less, the logits of a model overflow in half precision.
LEAST_TEMPERATURE = 0.001


@dataclass(frozen=True)
class Bound:
    """A range of numbers.

    Attributes:
        words: The range in words, after "must be".
        low: The least number.
        high: The greatest.
        open_low: Whether `low` itself is outside.
        open_high: Whether `high` itself is outside.
        or_0: Whether 0 is in the range as well.

    >>> share = Bound("in [0, 1)", 0, 1, open_high=True)
    >>> [share.holds(value) for value in (-0.1, 0, 0.5, 1, math.nan)]
    [False, True, True, False, False]
    """

    words: str
    low: float
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False
    or_0: bool = False

    def holds(self, value: float) -> bool:
        """Returns whether a number is in the range; NaN is in none."""
        above = value > self.low if self.open_low else value >= self.low
        below = value < self.high if self.open_high else value <= self.high
        return (above and below) or (self.or_0 and value == 0)


AT_LEAST_0 = Bound("0 or more", 0)
AT_LEAST_1 = Bound("1 or more", 1)
MORE_THAN_0 = Bound("more than 0", 0, open_low=True)


def check_bounds(options: DataclassInstance, bounds: Mapping[str, Bound]) -> None:
    """Compares options with their ranges.

    `None`, which stands for a default, is in every range, and infinity in none. Of a tuple each
    number has to be in the range, and there has to be one.

    Args:
        options: The options.
        bounds: The range of each, by the name of its field.

    Raises:
        AgentError: A value is out of its range, or infinite.
    """
    for name, bound in bounds.items():
        value = getattr(options, name)
        values = value if isinstance(value, tuple) else (value,)
        if value is not None and not (values and all(map(bound.holds, values))):
            raise AgentError(f"{option_name(name)} must be {bound.words}, not {value}.")
        if value is not None and math.inf in values:
            raise AgentError(f"{option_name(name)} must be a finite number, not {value}.")
