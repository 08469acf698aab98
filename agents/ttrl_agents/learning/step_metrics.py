"""The metrics of a step, added up over its micro-batches and updates.

- `Tally`: sums, maxima and means.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

__all__ = ["Tally"]


class Tally:
    """The metrics of a training step.

    >>> tally = Tally()
    >>> tally.add_tokens(4, {"entropy": 2.0}, {"ratio_max": 1.5})
    >>> tally.add_update({"loss": -1.0})
    >>> tally.metrics()
    {'updates': 1.0, 'loss': -1.0, 'entropy': 0.5, 'ratio_max': 1.5}
    """

    def __init__(self) -> None:
        self.updates = 0
        self._tokens = 0
        self._token_sums: defaultdict[str, float] = defaultdict(float)
        self._update_sums: defaultdict[str, float] = defaultdict(float)
        self._maxima: dict[str, float] = {}
        self._facts: dict[str, float] = {}

    def add_tokens(
        self, tokens: int, sums: Mapping[str, float], maxima: Mapping[str, float]
    ) -> None:
        """Adds the metrics of a micro-batch: sums over its tokens, and maxima."""
        self._tokens += tokens
        for name, value in sums.items():
            self._token_sums[name] += value
        for name, value in maxima.items():
            self._maxima[name] = max(value, self._maxima.get(name, value))

    def add_update(self, values: Mapping[str, float]) -> None:
        """Adds the metrics of an update."""
        self.updates += 1
        for name, value in values.items():
            self._update_sums[name] += value

    def note(self, facts: Mapping[str, float]) -> None:
        """Adds metrics that are what they are."""
        self._facts.update(facts)

    def metrics(self) -> dict[str, float]:
        """Returns means over updates, means over tokens, and maxima."""
        return {
            "updates": float(self.updates),
            **{name: value / self.updates for name, value in self._update_sums.items()},
            **{name: value / self._tokens for name, value in self._token_sums.items()},
            **self._maxima,
            **self._facts,
        }
