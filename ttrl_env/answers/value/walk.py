"""A walk over an expression tree at a point: where it is, and what it has met.

- `Walk`: what the value of one kind of node asks of the others.
- `Sample`: a value with what was met on the way to it.
- `State`: the same while it is being computed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import NamedTuple

from ttrl_env.answers.formula.tree import Node
from ttrl_env.answers.value.arithmetic import Arithmetic
from ttrl_env.answers.value.numbers import Number
from ttrl_env.answers.value.points import POSITIVE

__all__ = ["NOTHING", "Sample", "State", "Walk"]

NOTHING: Mapping[str, Number] = {}
"""No overrides."""


class Sample(NamedTuple):
    """The value of a tree at a point, and what was met there.

    Attributes:
        value: The value.
        varying: Whether there is a letter in the tree.
        branchy: Whether there is a root or a logarithm of something with letters, which is why
            such an expression is compared where its letters are positive.
        bent: Whether there is an absolute value of something with letters, or an extreme.
        signs: What absolute values had inside at the first point, by the identity of their trees.
    """

    value: Number
    varying: bool
    branchy: bool
    bent: bool
    signs: Mapping[int, int]


class State:
    """Where a walk is and what it has met so far; the attributes of `Sample`, and these.

    Attributes:
        point: The point.
        overrides: Values for letters that differ from the fixed ones.
        kept: The signs that absolute values keep, or None where each has its own.
        in_degrees: Whether a degree sign counts as an angle.
        bound: The value of the index of the sum that is being computed.
    """

    __slots__ = (
        *("bent", "bound", "branchy", "in_degrees", "kept", "overrides", "point", "signs"),
        "varying",
    )

    def __init__(
        self, point: int, overrides: Mapping[str, Number], kept: Mapping[int, int] | None
    ) -> None:
        self.point = point
        self.overrides = overrides
        self.kept = kept
        self.varying = False
        self.branchy = False
        self.bent = False
        self.in_degrees = False
        self.bound: dict[str, int] = {}
        self.signs: dict[int, int] = {}


class Walk(Arithmetic, ABC):
    """A walk over a tree. The values of functions and of powers are computed by its means."""

    def __init__(self) -> None:
        super().__init__()
        self.state = State(POSITIVE, NOTHING, None)

    @abstractmethod
    def value(self, node: Node) -> Number:
        """Returns the value of a tree at the current point."""

    @abstractmethod
    def opaque(self, node: Node) -> Number:
        """Returns the fixed number that stands for something not computed."""

    def watched(self, node: Node) -> tuple[Number, bool]:
        """Returns the value of a tree, and whether there are letters in it."""
        state = self.state
        before, state.varying = state.varying, False
        value = self.value(node)
        varying, state.varying = state.varying, state.varying or before
        return value, varying
