"""Quotients of polynomials with rational coefficients, in lowest terms, by SymPy.

- `Algebra`: arithmetic on `Form`s in some generators, within a budget.
- `Form`: a numerator and a denominator.
- `Generator`: a letter, a constant, a root, or what is not computed further.
- `TooLarge`: raised over the limits.

The polynomials are SymPy's, built term by term; no text reaches SymPy, not even a letter's name.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

from sympy import QQ, grlex
from sympy.polys.rings import PolyRing

__all__ = ["Algebra", "Form", "Generator", "TooLarge"]

Polynomial: TypeAlias = Any
"""SymPy's `PolyElement`."""

MAX_PRODUCTS: Final = 1500
"""Products of two terms, of all the arithmetic of one form; each takes five microseconds."""
MAX_TERMS: Final = 100
MAX_DEGREE: Final = 64
MAX_BITS: Final = 1024
"""Terms, degree, and bits of a coefficient, of any polynomial on the way."""
_LAST_TERMS: Final = 40
_LAST_DEGREE: Final = 24
"""Terms and degree of a form: what is larger has none."""
_GCD_SIZE: Final = 1500
"""Terms times degree of two polynomials, the common divisor of which is looked for."""
_PLAIN: Final = re.compile(r"[A-Za-z]+(?:_[A-Za-z0-9]+)?'*")


class TooLarge(Exception):  # noqa: N818 - a signal, not an error for callers
    """A form over the limits."""


class Generator(NamedTuple):
    """What polynomials are made of, in the order in which their terms are sorted.

    Attributes:
        kind: "letter", "radical" (the root of a prime), "unit" (the imaginary one) or "other".
        name: The letter, the prime, or what tells it from others.
    """

    kind: str
    name: str


class Form(NamedTuple):
    """A quotient of two polynomials."""

    top: Polynomial
    bottom: Polynomial


@lru_cache(maxsize=32)
def _ring(size: int) -> Any:
    """Returns SymPy's ring of polynomials in some generators."""
    return PolyRing([f"g{index}" for index in range(size)], QQ, grlex)


class Algebra:
    """Arithmetic on forms in some generators.

    Args:
        generators: The generators.
    """

    def __init__(self, generators: Sequence[Generator]) -> None:
        self.generators = sorted(set(generators))
        self.ring = _ring(len(self.generators))
        self.products = 0
        ring_one = self.ring.one
        self.places = {each: index for index, each in enumerate(self.generators)}
        self.squares = {
            index: ring_one * (int(each.name) if each.kind == "radical" else -1)
            for each, index in self.places.items()
            if each.kind in {"radical", "unit"}
        }

    # -- leaves

    def number(self, value: int | Fraction) -> Form:
        """Returns a number."""
        domain = self.ring.domain
        if isinstance(value, int):
            return Form(self.ring.ground_new(domain(value)), self.ring.one)
        return Form(self.ring.ground_new(domain(value.numerator, value.denominator)), self.ring.one)

    def generator(self, generator: Generator) -> Form:
        """Returns a generator."""
        return Form(self.ring.gens[self.places[generator]], self.ring.one)

    # -- arithmetic

    def add(self, a: Form, b: Form) -> Form:
        """Returns a sum."""
        if a.bottom == b.bottom:
            return Form(self._checked(a.top + b.top), a.bottom)
        top = self._times(a.top, b.bottom) + self._times(b.top, a.bottom)
        return Form(self._checked(top), self._times(a.bottom, b.bottom))

    def multiply(self, a: Form, b: Form) -> Form:
        """Returns a product."""
        return Form(self._times(a.top, b.top), self._times(a.bottom, b.bottom))

    def divide(self, a: Form, b: Form) -> Form:
        """Returns a quotient.

        Raises:
            ZeroDivisionError: If the divisor is zero.
        """
        if not b.top:
            raise ZeroDivisionError("a division by zero")
        return Form(self._times(a.top, b.bottom), self._times(a.bottom, b.top))

    def power(self, base: Form, exponent: int) -> Form:
        """Returns a power with an integer exponent."""
        if abs(exponent) > MAX_DEGREE:
            raise TooLarge
        if exponent < 0:
            return self.power(self.divide(self.number(1), base), -exponent)
        result = self.number(1)
        for _ in range(exponent):
            result = self.multiply(result, base)
        return result

    def _times(self, a: Polynomial, b: Polynomial) -> Polynomial:
        if a == 1:
            return b
        if b == 1:
            return a
        self.products += len(a) * len(b)
        if self.products > MAX_PRODUCTS:
            raise TooLarge
        return self._checked(self._reduced(a * b))

    def _reduced(self, polynomial: Polynomial) -> Polynomial:
        """Replaces the squares of roots by what they are the roots of."""
        for index, square in self.squares.items():
            if all(monomial[index] < 2 for monomial in polynomial):
                continue
            total = self.ring.zero
            for monomial, coefficient in polynomial.terms():
                halves, rest = divmod(monomial[index], 2)
                left = (*monomial[:index], rest, *monomial[index + 1 :])
                total += self.ring({left: coefficient}) * square**halves
            polynomial = total
        return polynomial

    def _checked(self, polynomial: Polynomial) -> Polynomial:
        if len(polynomial) > MAX_TERMS:
            raise TooLarge
        for monomial, coefficient in polynomial.items():
            size = coefficient.numerator.bit_length() + coefficient.denominator.bit_length()
            if sum(monomial) > MAX_DEGREE or size > MAX_BITS:
                raise TooLarge
        return polynomial

    # -- the canonical form

    def lowest(self, form: Form) -> Form:
        """Returns a form in lowest terms: no root in the denominator, which is primitive.

        Raises:
            TooLarge: If it takes too long or is too large.
        """
        top, bottom = form
        if not top:
            return Form(top, self.ring.one)
        for index in self.squares:
            conjugate = self._conjugate(bottom, index)
            if conjugate != bottom:
                top, bottom = self._times(top, conjugate), self._times(bottom, conjugate)
        if not bottom.is_ground:
            degree = max(map(sum, (*top, *bottom)))
            if (len(top) + len(bottom)) * degree > _GCD_SIZE:
                raise TooLarge
            top, bottom = top.cancel(bottom)
        scale, _ = bottom.primitive()
        if bottom.LC < 0:
            scale = -scale
        form = Form(top.quo_ground(scale), bottom.quo_ground(scale))
        for part in form:
            if len(part) > _LAST_TERMS or max(map(sum, part)) > _LAST_DEGREE:
                raise TooLarge
        return form

    def _conjugate(self, polynomial: Polynomial, index: int) -> Polynomial:
        terms = {
            monomial: -coefficient if monomial[index] % 2 else coefficient
            for monomial, coefficient in polynomial.items()
        }
        return self.ring(terms)

    def kinds(self, form: Form) -> set[str]:
        """Returns the kinds of generators that occur in a form."""
        found: set[str] = set()
        for part in form:
            for monomial in part:
                found.update(
                    generator.kind
                    for generator, exponent in zip(self.generators, monomial, strict=True)
                    if exponent
                )
        return found

    def constant(self, form: Form) -> Fraction | None:
        """Returns the number that a form in lowest terms is, or None."""
        if not (form.top.is_ground and form.bottom.is_ground):
            return None
        value = form.top.LC / form.bottom.LC if form.top else self.ring.domain(0)
        return Fraction(int(value.numerator), int(value.denominator))

    def solved(self, form: Form, generator: Generator) -> Form | None:
        """Returns the zero of a form that is linear in a generator, or None for any other."""
        index = self.places.get(generator)
        if index is None:
            return None
        top, bottom = form
        if any(monomial[index] for monomial in bottom):
            return None
        parts = [self.ring.zero, self.ring.zero]
        for monomial, coefficient in top.terms():
            degree = monomial[index]
            if degree > 1:
                return None
            rest = (*monomial[:index], 0, *monomial[index + 1 :])
            parts[degree] += self.ring({rest: coefficient})
        if not parts[1]:
            return None
        return self.lowest(Form(-parts[0], parts[1]))

    def scaled(self, form: Form, *, signed: bool) -> Form:
        """Returns a form in lowest terms with its numerator primitive, up to its sign or not."""
        _, top = form.top.primitive()
        if not signed and top.LC < 0:
            top = -top
        return Form(top, form.bottom)

    # -- writing

    def text(self, form: Form) -> str:
        """Returns a form in lowest terms as text, as SymPy would print it."""
        if form.bottom == 1:
            return self._polynomial(form.top)
        scale = math.lcm(*(int(each.denominator) for each in form.top.values()))
        top, bottom = (self._polynomial(part.mul_ground(scale)) for part in form)
        if len(form.top) > 1:
            top = f"({top})"
        if len(form.bottom) > 1 or "*" in bottom.replace("**", ""):
            bottom = f"({bottom})"
        return f"{top}/{bottom}"

    def _polynomial(self, polynomial: Polynomial) -> str:
        pieces: list[str] = []
        for monomial, coefficient in polynomial.terms():
            value = Fraction(int(coefficient.numerator), int(coefficient.denominator))
            pieces.append((" - " if value < 0 else " + ") + self._term(abs(value), monomial))
        text = "".join(pieces)
        return text[3:] if text.startswith(" + ") else "-" + text[3:] if text else "0"

    def _term(self, value: Fraction, monomial: Sequence[int]) -> str:
        radicand = math.prod(
            int(generator.name)
            for generator, exponent in zip(self.generators, monomial, strict=True)
            if exponent and generator.kind == "radical"
        )
        factors = [f"sqrt({radicand})"] if radicand > 1 else []
        for generator, exponent in zip(self.generators, monomial, strict=True):
            if exponent and generator.kind != "radical":
                name = generator.name
                name = name if _PLAIN.fullmatch(name) else repr(name)
                factors.append(name if exponent == 1 else f"{name}**{exponent}")
        if value.numerator != 1 or not factors:
            factors.insert(0, str(value.numerator))
        below = "" if value.denominator == 1 else f"/{value.denominator}"
        return "*".join(factors) + below
