"""The wordings of the arithmetic benchmark, and the arithmetic behind each.

- `Template`: a wording, the ranges of its numbers and the steps that solve it.
- `TEMPLATES`: all of them, by level.
- `PEOPLE`, `THINGS`, `CONTAINERS`, `FRUITS`: the words that are drawn.

A level says how many steps a question takes: one (level 1), one or two with larger numbers
(level 2), two (level 3), three (level 4), four or five (level 5).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from ttrl_benchmarks.arithmetic.problem import Problem, Step, solve

__all__ = ["CONTAINERS", "FRUITS", "PEOPLE", "TEMPLATES", "THINGS", "Template"]

_LARGEST = 999  # no result of any step is larger, so that answers stay within reach
_TRIES = 10_000

PEOPLE = (
    ("Mia", "she", "her"),
    ("Ben", "he", "his"),
    ("Zoe", "she", "her"),
    ("Omar", "he", "his"),
    ("Lena", "she", "her"),
    ("Raj", "he", "his"),
    ("Ana", "she", "her"),
    ("Tom", "he", "his"),
)
THINGS = ("marbles", "stickers", "pencils", "shells", "coins", "beads", "cards", "stamps")
CONTAINERS = ("bags", "boxes", "jars", "packs")
FRUITS = ("apples", "pears", "plums", "lemons")

_OPERAND = re.compile(r"[a-z]|#\d|\d+")
_STEP = re.compile(rf"({_OPERAND.pattern})([-+*/])({_OPERAND.pattern})")


@dataclass(frozen=True)
class Template:
    """A wording, the ranges of its numbers and the steps that solve it.

    Attributes:
        level: Difficulty, 1 to 5.
        text: The wording; `{a}` is a number, `{name}`, `{she}`, `{She}`, `{her}`, `{other}`,
            `{things}`, `{containers}` and `{fruit}` are drawn from short lists.
        steps: The steps, e.g. `"b*c; a+#1"`, where `#1` is the result of the first.
        numbers: The range of each number, both ends included.
    """

    level: int
    text: str
    steps: str
    numbers: dict[str, tuple[int, int]]

    def draw(self, rng: np.random.Generator) -> Problem:
        """Draws numbers and names; every step has a whole result between 1 and 999.

        Raises:
            RuntimeError: No numbers within the ranges fulfil that, so the template is wrong.
        """
        for _ in range(_TRIES):
            values = {
                name: int(rng.integers(low, high + 1)) for name, (low, high) in self.numbers.items()
            }
            steps = self._steps(values)
            try:
                results = solve(steps)
            except ArithmeticError:
                continue
            if all(1 <= result <= _LARGEST for result in results):
                break
        else:
            raise RuntimeError(f"no numbers fit the template {self.text!r}")
        signature = self.text + "|" + ",".join(f"{k}={v}" for k, v in sorted(values.items()))
        return Problem(self.text.format(**values, **_names(rng)), steps, self.level, signature)

    def _steps(self, values: dict[str, int]) -> tuple[Step, ...]:
        return tuple(_parse_step(part.strip(), values) for part in self.steps.split(";"))


def _parse_step(text: str, values: dict[str, int]) -> Step:
    match = _STEP.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a step")
    left, operation, right = match.groups()

    def operand(token: str) -> int:
        if token.startswith("#"):
            return int(token[1:]) - 1
        return values[token] if token in values else int(token)

    return Step(operand(left), operation, operand(right), left[0] == "#", right[0] == "#")


def _names(rng: np.random.Generator) -> dict[str, str]:
    first, second = rng.choice(len(PEOPLE), size=2, replace=False)
    name, she, her = PEOPLE[first]
    return {
        "name": name,
        "she": she,
        "She": she.capitalize(),
        "her": her,
        "other": PEOPLE[second][0],
        "things": THINGS[rng.integers(len(THINGS))],
        "containers": CONTAINERS[rng.integers(len(CONTAINERS))],
        "fruit": FRUITS[rng.integers(len(FRUITS))],
    }


TEMPLATES: tuple[Template, ...] = (
    # Level 1: one step.
    Template(1, "What is {a} plus {b}?", "a+b", {"a": (3, 40), "b": (3, 40)}),
    Template(1, "What is {a} minus {b}?", "a-b", {"a": (12, 60), "b": (3, 40)}),
    Template(1, "What is {a} times {b}?", "a*b", {"a": (2, 12), "b": (2, 9)}),
    Template(
        1,
        "{name} has {a} {things} and finds {b} more. How many {things} does {name} have now?",
        "a+b",
        {"a": (3, 40), "b": (3, 40)},
    ),
    Template(
        1,
        "{name} had {a} {things} and gave {b} of them to {other}. How many are left?",
        "a-b",
        {"a": (12, 60), "b": (3, 40)},
    ),
    Template(
        1,
        "There are {a} {containers} with {b} {things} in each. How many {things} is that?",
        "a*b",
        {"a": (2, 12), "b": (2, 9)},
    ),
    # Level 2: larger numbers, or a second step.
    Template(
        2,
        "{name} read {a} pages on Monday and {b} pages on Tuesday. How many pages is that?",
        "a+b",
        {"a": (25, 75), "b": (25, 75)},
    ),
    Template(
        2,
        "A shop had {a} {fruit} and sold {b} of them. How many {fruit} are left?",
        "a-b",
        {"a": (50, 99), "b": (15, 75)},
    ),
    Template(
        2,
        "{name} shares {a} {things} equally among {b} friends. How many does each friend get?",
        "a/b",
        {"a": (12, 72), "b": (2, 9)},
    ),
    Template(
        2,
        "{name} picked {a} {fruit}, {other} picked {b}, and they ate {c}. How many are left?",
        "a+b; #1-c",
        {"a": (5, 40), "b": (5, 40), "c": (3, 20)},
    ),
    Template(
        2,
        "What is {a} plus {b} minus {c}?",
        "a+b; #1-c",
        {"a": (5, 40), "b": (5, 40), "c": (3, 30)},
    ),
    Template(
        2,
        "A bus carries {a} people. At a stop {b} get off and {c} get on. How many are on the bus?",
        "a-b; #1+c",
        {"a": (20, 60), "b": (3, 19), "c": (3, 30)},
    ),
    # Level 3: two steps, one of them a product or a quotient.
    Template(
        3,
        "{name} has {a} {things} and buys {b} {containers} with {c} {things} each. "
        "How many {things} does {she} have now?",
        "b*c; a+#1",
        {"a": (5, 50), "b": (2, 9), "c": (3, 10)},
    ),
    Template(
        3,
        "A ticket costs {a} dollars. {name} buys {b} tickets and pays with {c} dollars. "
        "How many dollars does {she} get back?",
        "a*b; c-#1",
        {"a": (3, 12), "b": (2, 9), "c": (20, 100)},
    ),
    Template(
        3,
        "What is {a} times {b}, plus {c}?",
        "a*b; #1+c",
        {"a": (3, 12), "b": (3, 9), "c": (5, 50)},
    ),
    Template(
        3,
        "What is the sum of {a} and {b}, multiplied by {c}?",
        "a+b; #1*c",
        {"a": (3, 12), "b": (3, 12), "c": (2, 5)},
    ),
    Template(
        3,
        "{name} puts {a} {things} and {b} {things} together and shares them equally among "
        "{c} friends. How many does each friend get?",
        "a+b; #1/c",
        {"a": (5, 50), "b": (5, 50), "c": (2, 9)},
    ),
    Template(
        3,
        "A farmer fills {a} {containers} with {b} {fruit} each and has {c} {fruit} left over. "
        "How many {fruit} were there?",
        "a*b; #1+c",
        {"a": (3, 12), "b": (3, 9), "c": (2, 40)},
    ),
    # Level 4: three steps.
    Template(
        4,
        "{name} buys {a} pens at {b} dollars each and {c} books at {d} dollars each. "
        "How many dollars does {she} pay?",
        "a*b; c*d; #1+#2",
        {"a": (2, 9), "b": (2, 6), "c": (2, 7), "d": (5, 12)},
    ),
    Template(
        4,
        "{name} has {a} {containers} of {b} {things}. {She} loses {c} {things} and finds {d}. "
        "How many {things} does {name} have?",
        "a*b; #1-c; #2+d",
        {"a": (3, 9), "b": (4, 12), "c": (3, 30), "d": (3, 30)},
    ),
    Template(
        4,
        "{name} earns {a} dollars an hour and works {b} hours. {She} spends {c} dollars on food "
        "and {d} dollars on a gift. How many dollars are left?",
        "a*b; #1-c; #2-d",
        {"a": (6, 12), "b": (4, 9), "c": (4, 30), "d": (4, 30)},
    ),
    Template(
        4,
        "What is {a} times {b} minus {c} times {d}?",
        "a*b; c*d; #1-#2",
        {"a": (5, 12), "b": (4, 9), "c": (2, 7), "d": (2, 7)},
    ),
    Template(
        4,
        "{name} is {a} years old. {other} is {b} years older, and {her} aunt is {c} times as old "
        "as {other}. How old are {other} and the aunt together?",
        "a+b; #1*c; #1+#2",
        {"a": (3, 12), "b": (2, 9), "c": (2, 4)},
    ),
    Template(
        4,
        "A train has {a} cars with {b} seats each. {c} seats are taken, and then {d} people get "
        "off. How many seats are free?",
        "a*b; c-d; #1-#2",
        {"a": (5, 9), "b": (8, 12), "c": (20, 60), "d": (3, 19)},
    ),
    # Level 5: four or five steps.
    Template(
        5,
        "{name} buys {a} {containers} of {b} {fruit} and {c} {containers} of {d} {fruit}. {She} "
        "uses {e} {fruit} for a cake. How many {fruit} are left?",
        "a*b; c*d; #1+#2; #3-e",
        {"a": (2, 9), "b": (3, 9), "c": (2, 9), "d": (3, 9), "e": (5, 40)},
    ),
    Template(
        5,
        "What is the sum of {a} and {b}, multiplied by {c}, minus {d} times {e}?",
        "a+b; #1*c; d*e; #2-#3",
        {"a": (2, 9), "b": (2, 9), "c": (3, 6), "d": (2, 9), "e": (2, 7)},
    ),
    Template(
        5,
        "{name} sells {a} cakes at {b} dollars each and {c} pies at {d} dollars each. {She} pays "
        "{e} dollars for flour and {f} dollars for sugar. How many dollars does {she} earn?",
        "a*b; c*d; #1+#2; #3-e; #4-f",
        {"a": (3, 9), "b": (4, 12), "c": (2, 9), "d": (3, 9), "e": (5, 40), "f": (2, 20)},
    ),
    Template(
        5,
        "A school has {a} classes of {b} pupils. {c} pupils leave and {d} join. The pupils ride in "
        "buses, {e} in each bus, and one more bus carries the teachers. How many buses are there?",
        "a*b; #1-c; #2+d; #3/e; #4+1",
        {"a": (3, 9), "b": (8, 12), "c": (3, 30), "d": (3, 30), "e": (3, 9)},
    ),
    Template(
        5,
        "{name} saves {a} dollars a week for {b} weeks, and {other} saves {c} dollars a week for "
        "{d} weeks. They buy {her} mother a lamp for {e} dollars. How many dollars are left?",
        "a*b; c*d; #1+#2; #3-e",
        {"a": (3, 12), "b": (3, 9), "c": (3, 9), "d": (3, 9), "e": (10, 80)},
    ),
    Template(
        5,
        "{name} cuts a rope of {a} metres into {b} equal pieces. {She} keeps {c} pieces and ties "
        "them to a rope of {d} metres, but the knots take {e} metres. How many metres long "
        "is it now?",
        "a/b; #1*c; #2+d; #3-e",
        {"a": (24, 90), "b": (3, 9), "c": (2, 6), "d": (5, 40), "e": (1, 9)},
    ),
)
