"""Sums, products and quotients of numbers, within a budget of work.

- `Arithmetic`: the operations, and the budget that they are counted against.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Final

from ttrl_env.answers.limits import MAX_EXACT_BITS, MAX_LOG10, MAX_WORK, Unreadable
from ttrl_env.answers.value.numbers import (
    DUST,
    INEXACT,
    Inexact,
    Number,
    bits,
    inexact,
    modulus,
    reduced,
    tidy,
)

__all__ = ["Arithmetic"]

_SMALL_BITS: Final = 256
"""Bits of an exact number that costs nothing to speak of."""
_DIGITS: Final = 39
"""Digits that may cancel in a sum before what is left is looked at as rounding error."""


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
        size = value.adjusted() if isinstance(value, Decimal) else modulus(value).adjusted()
        if value and abs(size) > MAX_LOG10:
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
            total = total + term
        # What is left of a cancellation is rounding error, not a number.
        if isinstance(total, Decimal) and total:
            limit = total.adjusted() + _DIGITS
            for term in rest:
                if not isinstance(term, Decimal) or term.adjusted() >= limit:
                    break
            else:
                return total
        if modulus(total) <= DUST * max(map(modulus, rest)):
            return 0
        return tidy(total)

    def product_of(self, *values: Number) -> Number:
        """Multiplys numbers, the exact ones exactly."""
        exact: int | Fraction = 1
        rest: Inexact | None = None
        for value in values:
            if isinstance(value, INEXACT):
                rest = value if rest is None else self.checked(rest * value)
            elif isinstance(value, int) and isinstance(exact, int):
                exact *= value
                if exact.bit_length() > _SMALL_BITS:
                    self.checked_exact(exact)
            else:
                exact = self.checked_exact(value if exact == 1 else exact * value)
        if rest is None or exact == 0:
            return exact
        if exact != 1:
            rest = rest * inexact(exact)
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
        return tidy(self.checked(inexact(top) / inexact(bottom)))
