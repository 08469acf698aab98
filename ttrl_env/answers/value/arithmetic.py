"""Sums, products and quotients of numbers, within a budget of work.

- `Arithmetic`: the operations, and the budget that they are counted against.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from ttrl_env.answers.limits import MAX_EXACT_BITS, MAX_MAGNITUDE, MAX_WORK, Unreadable
from ttrl_env.answers.value.numbers import (
    DUST,
    INEXACT,
    Inexact,
    Number,
    add,
    bits,
    divide,
    inexact,
    magnitude,
    multiply,
    reduced,
    tidy,
)

__all__ = ["Arithmetic"]

_SMALL_BITS: Final = 256
"""Bits of an exact number that costs nothing to speak of."""


class Arithmetic:
    """Operations on numbers; exact ones stay exact, and every costly one is counted."""

    def __init__(self) -> None:
        self.work = 0

    def spend(self, amount: int) -> None:
        """Counts work against the budget of this key."""
        self.work += amount
        if self.work > MAX_WORK:
            raise Unreadable("too much work")

    def checked_exact(self, value: int | Fraction) -> int | Fraction:
        """Returns an exact number unless it is too large to compute with."""
        if isinstance(value, int) and value.bit_length() <= _SMALL_BITS:
            return value
        size = bits(value)
        if size > _SMALL_BITS:
            self.spend(size >> 6)
            if size > MAX_EXACT_BITS:
                raise Unreadable("too large a number")
        return reduced(value)

    def checked(self, value: Inexact) -> Inexact:
        """Returns a number unless it is too large to compute with."""
        if abs(magnitude(value)) > MAX_MAGNITUDE:
            raise Unreadable("too large a number")
        return value

    def sum(self, values: list[Number]) -> Number:
        """Adds numbers, the exact ones exactly."""
        exact: int | Fraction = 0
        rest: list[Inexact] = []
        for value in values:
            if isinstance(value, INEXACT):
                rest.append(value)
            elif isinstance(value, int) and isinstance(exact, int):
                exact += value
                if exact.bit_length() > _SMALL_BITS:
                    self.checked_exact(exact)
            else:
                exact = self.checked_exact(exact + value if exact else value)
        if not rest:
            return exact
        if exact:
            rest.append(inexact(exact))
        total = rest[0]
        if len(rest) == 1:
            return total
        for term in rest[1:]:
            total = add(total, term)
        # What is left of a cancellation is rounding error, not a number.
        if magnitude(total) <= max(map(magnitude, rest)) - DUST:
            return 0
        return tidy(total)

    def product_of(self, *values: Number) -> Number:
        """Multiplies numbers, the exact ones exactly."""
        exact: int | Fraction = 1
        rest: Inexact | None = None
        for value in values:
            if isinstance(value, INEXACT):
                rest = value if rest is None else self.checked(multiply(rest, value))
            elif isinstance(value, int) and isinstance(exact, int):
                exact *= value
                if exact.bit_length() > _SMALL_BITS:
                    self.checked_exact(exact)
            else:
                exact = self.checked_exact(value if exact == 1 else exact * value)
        if rest is None or exact == 0:
            return exact
        if exact != 1:
            rest = multiply(rest, inexact(exact))
        return tidy(self.checked(rest))

    def quotient(self, top: Number, bottom: Number) -> Number:
        """Divides two numbers."""
        if bottom == 0:
            raise Unreadable("a division by zero")
        if not isinstance(bottom, INEXACT) and not isinstance(top, INEXACT):
            if isinstance(top, int) and isinstance(bottom, int):
                return self.checked_exact(Fraction(top, bottom) if top % bottom else top // bottom)
            return self.checked_exact(Fraction(top) / bottom)
        if top == 0:
            return 0
        return tidy(self.checked(divide(inexact(top), inexact(bottom))))
