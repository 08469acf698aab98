"""What was tried, how often, and what was lost.

- `Tally`: the counts of one attack.
- `as_table`: the table of all, in Markdown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

_SHOWN = 5


@dataclass
class Tally:
    """The counts of one attack.

    Attributes:
        name: What was done.
        times: How often.
        unit: What was counted, e.g. `kills`.
        held: What has to hold each time.
        problems: What did not, in words.
    """

    name: str
    unit: str
    held: str
    times: int = 0
    trials: int = 0
    problems: list[str] = field(default_factory=list)

    def add(self, times: int, problems: Iterable[str] = ()) -> None:
        """Adds a trial."""
        self.times += times
        self.trials += 1
        self.problems += problems

    def describe_problems(self) -> list[str]:
        """Returns the first few problems, and how many more there were."""
        more = len(self.problems) - _SHOWN
        return self.problems[:_SHOWN] + ([f"... and {more} more"] if more > 0 else [])


def as_table(tallies: Iterable[Tally]) -> str:
    """Returns the table in Markdown."""
    lines = ["| what | how often | in trials | must hold | failed |", "|---|---:|---:|---|---:|"]
    lines += [
        f"| {each.name} | {each.times:,} {each.unit} | {each.trials:,} | {each.held} "
        f"| {len(each.problems)} |"
        for each in tallies
        if each.trials
    ]
    return "\n".join(lines)
