r"""The value of an expression tree at a fixed point, exactly where that is possible.

- `Evaluator`: values of trees at fixed points, within a budget of work.
- `Number`: `int` and `Fraction` are exact; the other values carry 60 digits.
- `is_exact`, `is_close`: what may be asked of two numbers.

Letters stand for fixed numbers, derived from their names. What is not computed (unknown
functions, towers of powers, integrals) stands for a fixed number too, derived from the keys of
its parts, so that equal parts stay equal and different ones stay apart.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from hashlib import blake2b
from typing import Final, TypeAlias

from ttrl_env.answers.formula.names import letters
from ttrl_env.answers.formula.parser import Node
from ttrl_env.answers.formula.vocabulary import HYPERBOLIC, TRIGONOMETRIC
from ttrl_env.answers.limits import (
    MAX_ARGUMENT,
    MAX_EXACT_BITS,
    MAX_FACTORIAL,
    MAX_LOG10,
    MAX_TERMS,
    MAX_WORK,
    Unreadable,
)
from ttrl_env.answers.value.numbers import (
    DUST,
    FUNCTIONS,
    INEXACT,
    PI,
    Complex,
    E,
    Inexact,
    exponential,
    logarithm,
    modulus,
    root,
    tidy,
)

__all__ = [
    "FAR",
    "NEGATIVE",
    "POSITIVE",
    "SECOND",
    "Evaluator",
    "Number",
    "inexact",
    "is_close",
    "is_exact",
]

Number: TypeAlias = int | Fraction | Inexact
"""`int` and `Fraction` are exact; the others carry sixty digits."""

POSITIVE: Final = 0
NEGATIVE: Final = 1
SECOND: Final = 2
FAR: Final = range(3, 8)
"""Points where letters are large and of either sign, for what bends between the others."""
_ONE: Final = Decimal(1)
_FAINT: Final = DUST.sqrt()
_HALF: Final = Fraction(1, 2)
_SMALL_BITS: Final = 256
"""Bits of an exact number that costs nothing to speak of."""
_LARGEST_EXPONENT: Final = 10**9
"""Of a number of sixty digits; each power costs some of them."""
_DIGITS: Final = 39
"""Digits that may cancel in a sum before what is left is looked at as rounding error."""


def is_exact(value: Number) -> bool:
    """Whether a number is known exactly."""
    return not isinstance(value, INEXACT)


def is_close(a: Number, b: Number) -> bool:
    """Whether two numbers agree to forty digits; exact ones have to be equal."""
    if a is b:
        return True
    if not isinstance(a, Decimal) or not isinstance(b, Decimal):
        if not (isinstance(a, INEXACT) or isinstance(b, INEXACT)):
            return a == b
        a, b = inexact(a), inexact(b)
    if isinstance(a, Decimal) and isinstance(b, Decimal):
        return (a - b).copy_abs() <= DUST * max(a.copy_abs(), b.copy_abs())
    return modulus(a - b) <= DUST * max(modulus(a), modulus(b))


def inexact(value: Number) -> Inexact:
    """Return a number as one of sixty digits."""
    if isinstance(value, int):
        return Decimal(value)
    if isinstance(value, Fraction):
        return Decimal(value.numerator) / value.denominator
    return value


@lru_cache(maxsize=4096)
def _letter_value(name: str, point: int) -> Decimal:
    """Return what a letter stands for: in (0.3, 0.95), (-1.95, -1.05), (1.05, 1.95), or far."""
    seed = f"{point}|{name}".encode("utf-8", "surrogatepass")
    part = Decimal(int.from_bytes(blake2b(seed, digest_size=24).digest(), "big")) / 2**192
    if point == POSITIVE:
        return Decimal("0.3") + part * Decimal("0.65")
    if point in FAR:
        # Any two letters differ in sign at one of the points.
        bits = ord(name) if len(name) == 1 else zlib.crc32(seed[2:])
        size = 100 * (1 + part)
        return size if bits >> (point - FAR.start) & 1 else -size
    value = Decimal("1.05") + part * Decimal("0.9")
    return -value if point == NEGATIVE else value


def _bits(value: int | Fraction) -> int:
    if isinstance(value, int):
        return value.bit_length()
    return value.numerator.bit_length() + value.denominator.bit_length()


def _reduced(value: int | Fraction) -> int | Fraction:
    return value.numerator if value.denominator == 1 else value


class Evaluator:
    """Values of expression trees at one point after another.

    Args:
        key: The key of a subtree, for what is not computed.

    Attributes:
        varying: Whether a letter has been met since it was last reset.
        branchy: Whether a root or a logarithm of something with letters has been met, which is
            why such an expression is compared where its letters are positive.
        bent: Whether an absolute value of something with letters, or an extreme, has been met.
        signs: What absolute values had inside at the first point, by the identity of their trees.
        continued: Whether absolute values keep those signs at the other points.
        overrides: Values for letters that differ from the fixed ones.
        bound: The value of the index of the sum that is being computed.
    """

    def __init__(self, key: Callable[[Node], str]) -> None:
        self.key = key
        self.work = 0
        self.point = POSITIVE
        self.varying = False
        self.branchy = False
        self.bent = False
        self.signs: dict[int, int] = {}
        self.continued = False
        self.in_degrees = False
        self.overrides: dict[str, Number] = {}
        self.bound: dict[str, int] = {}

    def at(self, node: Node, point: int) -> Number:
        """Return the value of `node` at a point.

        Raises:
            Unreadable: If it has none (a division by zero, a set) or costs too much.
        """
        self.point = point
        try:
            value = self.value(node)
        except (ArithmeticError, ValueError) as error:
            raise Unreadable(f"no value: {error}") from error
        return value

    def spend(self, amount: int) -> None:
        """Count work against the budget of this key."""
        self.work += amount
        if self.work > MAX_WORK:
            raise Unreadable("too much work")

    def value(self, node: Node) -> Number:
        """Return the value of a tree at the current point."""
        kind = node[0]
        if kind == "n":
            exact: int | Fraction = node[1]
            return exact
        self.work += 1
        if kind == "x":
            return self.letter(node[1])
        value = self.value
        if kind == "*":
            return self.product_of(
                *[each[1] if each[0] == "n" else value(each) for each in node[1]]
            )
        if kind == "+":
            return self.sum([each[1] if each[0] == "n" else value(each) for each in node[1]])
        if kind == "/":
            return self.quotient(value(node[1]), value(node[2]))
        if kind == "^":
            return self.power_node(node)
        if kind == "root":
            return self.root_node(node)
        if kind == "c":
            return self.constant(node[1])
        if kind == "f":
            return self.function(node)
        if kind == "deg":
            angle = value(node[1])
            return (
                self.product_of(angle, self.constant("pi"), Fraction(1, 180))
                if self.in_degrees
                else angle
            )
        if kind == "~":
            return inexact(node[1])
        if kind == "v":
            computed: Number = node[1]
            return computed
        if kind == "set" and len(node[1]) == 1:
            return value(node[1][0])
        if kind == "det":
            return self.determinant(node)
        raise Unreadable(f"no number: {kind}")

    # -- arithmetic

    def checked_exact(self, value: int | Fraction) -> int | Fraction:
        """Return an exact number unless it is too large to compute with."""
        if isinstance(value, int) and value.bit_length() <= _SMALL_BITS:
            return value
        size = _bits(value)
        if size > _SMALL_BITS:
            self.spend(size >> 6)
            if size > MAX_EXACT_BITS:
                raise Unreadable("too large a number")
        return _reduced(value)

    def checked(self, value: Inexact) -> Inexact:
        """Return a number unless it is too large to compute with."""
        size = value.adjusted() if isinstance(value, Decimal) else modulus(value).adjusted()
        if value and abs(size) > MAX_LOG10:
            raise Unreadable("too large a number")
        return value

    def sum(self, values: list[Number]) -> Number:
        """Add numbers, the exact ones exactly."""
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
        """Multiply numbers, the exact ones exactly."""
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
        """Divide two numbers."""
        if bottom == 0:
            raise Unreadable("a division by zero")
        if not isinstance(bottom, INEXACT) and not isinstance(top, INEXACT):
            if isinstance(top, int) and isinstance(bottom, int):
                return self.checked_exact(Fraction(top, bottom) if top % bottom else top // bottom)
            return self.checked_exact(Fraction(top) / bottom)
        if top == 0:
            return 0
        return tidy(self.checked(inexact(top) / inexact(bottom)))

    def power_node(self, node: Node) -> Number:
        """Return the value of a power."""
        if node[1] == ("c", "e"):
            exponent = self.value(node[2])
            return 1 if exponent == 0 else self.exponential(node, exponent)
        before, self.varying = self.varying, False
        base = self.value(node[1])
        varying, self.varying = self.varying, False
        exponent = self.value(node[2])
        whole = isinstance(exponent, int)
        self.branchy |= (varying and not whole) or self.varying
        self.varying |= varying or before
        return self.raise_to(node, base, exponent)

    def exponential(self, node: Node, exponent: Number) -> Number:
        """Return e to a power."""
        self.spend(5)
        exponent = inexact(exponent)
        if modulus(exponent) > MAX_LOG10:
            return self.opaque(node)
        return tidy(exponential(exponent))

    def raise_to(self, node: Node, base: Number, exponent: Number) -> Number:
        """Return a power of any kind."""
        if base == 0:
            if not is_exact(exponent) or exponent <= 0:  # type: ignore[operator]
                raise Unreadable("a power of zero")
            return 0
        if isinstance(exponent, int):
            return self.whole_power(node, base, exponent)
        if isinstance(exponent, Fraction):
            return self.radical(node, base, exponent)
        return self.general_power(node, base, exponent)

    def whole_power(self, node: Node, base: Number, exponent: int) -> Number:
        """Return a power with an integer exponent."""
        if exponent == 1:
            return base
        if not isinstance(base, INEXACT):
            if base in {1, -1}:
                return base if exponent % 2 else 1
            if _bits(base) * abs(exponent) > MAX_EXACT_BITS:
                return self.opaque(node)
            if isinstance(base, int) and exponent >= 0:
                return self.checked_exact(base**exponent)
            return self.checked_exact(Fraction(base) ** exponent)
        if exponent == 2:
            return tidy(self.checked(base * base))
        self.spend(exponent.bit_length())
        size = base.adjusted() if isinstance(base, Decimal) else modulus(base).adjusted()
        if (abs(size) + 1) * abs(exponent) > MAX_LOG10 and not _is_moderate(base, exponent):
            return self.opaque(node)
        return tidy(base**exponent)

    def general_power(self, node: Node, base: Number, exponent: Number) -> Number:
        """Return a power by way of the logarithm."""
        self.spend(8)
        power = logarithm(inexact(base)) * inexact(exponent)
        # Close to one, sixty digits would not tell one power from another.
        if modulus(power) > MAX_LOG10 or modulus(power) < _FAINT:
            return self.opaque(node)
        return tidy(exponential(power))

    def root_node(self, node: Node) -> Number:
        """Return the value of a root."""
        if node[1] == ("n", 2) and node[2][0] == "^" and _is_even(node[2][2]):
            # The root of a square is an absolute value, which has no branches.
            before, self.varying = self.varying, False
            inside = self.value(node[2][1])
            size = self.size(node, inside) if self.varying else _size(inside)
            self.varying |= before
            return self.whole_power(node, size, node[2][2][1] // 2) if size else 0
        before, self.varying = self.varying, False
        index = self.value(node[1])
        base = self.value(node[2])
        self.branchy |= self.varying
        self.varying |= before
        if index == 0:
            raise Unreadable("a root without an index")
        if isinstance(index, INEXACT):
            return self.raise_to(node, base, self.quotient(1, index))
        return self.radical(node, base, _HALF if index == 2 else 1 / Fraction(index))

    def radical(self, node: Node, base: Number, exponent: Fraction) -> Number:
        """Return a fractional power: real for odd roots of negative numbers, else principal."""
        if base == 0:
            if exponent <= 0:
                raise Unreadable("a power of zero")
            return 0
        top, index = exponent.numerator, exponent.denominator
        if index > 64 or abs(top) > 256:
            if not isinstance(base, INEXACT) and _bits(base) > 4096:
                return self.opaque(node)
            return self.general_power(node, base, exponent)
        negative = not isinstance(base, Complex) and base < 0
        size = -base if negative else base
        value: Number
        if not isinstance(size, INEXACT):
            value = self.exact_root(size, index)
        else:
            self.spend(6)
            value = root(size, index)
        if negative:
            if index % 2:
                value = self.product_of(-1, value)
            elif index == 2:
                value = Complex(Decimal(0), inexact(value))  # type: ignore[arg-type]
            else:
                value = inexact(value) * exponential(Complex(Decimal(0), PI / index))
        return self.whole_power(node, value, top)

    def exact_root(self, value: int | Fraction, index: int) -> Number:
        """Return the root of a positive rational, exactly where it is rational."""
        top = _whole_root(value.numerator, index)
        bottom = 1 if top is None else _whole_root(value.denominator, index)
        if top is not None and bottom is not None:
            return top if bottom == 1 else Fraction(top, bottom)
        self.spend(6 + (_bits(value) >> 5))
        return root(self.checked(inexact(value)), index)

    # -- leaves

    def letter(self, name: str) -> Number:
        """Return what a letter stands for."""
        if self.bound and name in self.bound:
            return self.bound[name]
        self.varying = True
        if self.overrides and name in self.overrides:
            return self.overrides[name]
        return _letter_value(name, self.point)

    def constant(self, name: str) -> Number:
        """Return a named constant."""
        if name == "pi":
            return +PI
        if name == "e":
            return +E
        if name == "i":
            return Complex(Decimal(0), _ONE)
        raise Unreadable(f"no number: {name}")

    def opaque(self, node: Node) -> Number:
        """Return the fixed number that stands for something not computed."""
        self.spend(5)
        if node[0] == "f":
            name, arguments = node[1], node[2]
        else:
            name, arguments = node[0], node[1:]
        if (self.overrides or self.bound) and letters(node) & {*self.overrides, *self.bound}:
            raise Unreadable("something not computed depends on a letter that takes other values")
        state = self.point, self.varying, self.branchy, self.overrides
        bends = self.bent, self.continued
        self.overrides, self.continued = {}, False
        keys = [self.key(argument) for argument in arguments]
        self.bent, self.continued = bends
        self.point, self.varying, self.branchy, self.overrides = state
        self.varying = True
        if name in {"max", "min", "gcd", "lcm"}:
            keys.sort()
        return _letter_value("\0" + name + "\0" + "\0".join(keys), self.point)

    # -- functions

    def function(self, node: Node) -> Number:
        """Return the value of a function, or what stands for it."""
        name, arguments = node[1], node[2]
        self.spend(5)
        if name in _SERIES:
            return self.series(node)
        method = _METHODS.get(name)
        if method is None or not arguments:
            return self.opaque(node)
        degrees = self.in_degrees
        before, self.varying = self.varying, False
        self.in_degrees = name in _PERIODIC
        values = [self.value(argument) for argument in arguments]
        self.in_degrees = degrees
        varying, self.varying = self.varying, self.varying or before
        if varying and name in _BRANCHED:
            self.branchy = True
        if varying and name in _STEPPED and not all(map(is_exact, values)):
            return self.opaque(node)
        result = method(self, node, values)
        return result if not isinstance(result, INEXACT) else tidy(self.checked(result))

    def series(self, node: Node) -> Number:
        """Return a sum or a product over a few integers, or what stands for it."""
        body, lower, upper = node[2]
        counted = lower[0] == "rel" and lower[1] == ["="] and lower[2][0][0] == "x"
        if not counted or self.bound:
            return self.opaque(node)
        name = lower[2][0][1]
        if upper[0] == "c":
            return self.opaque(node)  # a series without an end
        start, stop = self.value(lower[2][1]), self.value(upper)
        if not isinstance(start, int) or not isinstance(stop, int):
            return self.opaque(node)
        if not 0 <= stop - start < MAX_TERMS or name in self.overrides:
            return self.opaque(node)
        values = []
        try:
            for number in range(start, stop + 1):
                self.bound = {name: number}
                values.append(self.value(body))
        finally:
            self.bound = {}
        return self.sum(values) if node[1] == "\\sum" else self.product_of(*values)

    def elementary(self, node: Node, values: list[Number]) -> Number:
        """Return the value of a trigonometric or hyperbolic function."""
        if len(values) != 1:
            return self.opaque(node)
        argument = inexact(values[0])
        if modulus(argument) > MAX_ARGUMENT:
            return self.opaque(node)
        result = FUNCTIONS[node[1]](argument)
        return 0 if modulus(result) < DUST else result

    def natural_logarithm(self, node: Node, values: list[Number]) -> Number:
        """Return the principal logarithm."""
        if len(values) != 1:
            return self.opaque(node)
        if values[0] == 0:
            raise Unreadable("a logarithm of zero")
        return 0 if values[0] == 1 else logarithm(inexact(values[0]))

    def absolute(self, node: Node, values: list[Number]) -> Number:
        """Return an absolute value."""
        if len(values) != 1:
            return self.opaque(node)
        return self.size(node, values[0]) if letters(node[2]) else _size(values[0])

    def size(self, node: Node, value: Number) -> Number:
        """Return the absolute value of something with letters, or what continues it."""
        self.bent = True
        if self.continued:
            return self.product_of(self.signs.get(id(node), 1), value)
        if self.point == POSITIVE:
            self.signs[id(node)] = -1 if not isinstance(value, Complex) and value < 0 else 1
        return _size(value)

    def whole(self, node: Node, values: list[Number]) -> Number:
        """Return a floor or a ceiling."""
        if len(values) != 1:
            return self.opaque(node)
        (value,) = values
        if isinstance(value, Complex) or (isinstance(value, Decimal) and value.adjusted() > 20):
            return self.opaque(node)
        if isinstance(value, Decimal):
            nearest = int(value.to_integral_value())
            value = Fraction(nearest if is_close(value, nearest) else value)
        return math.floor(value) if node[1] == "floor" else math.ceil(value)

    def factorial(self, node: Node, values: list[Number]) -> Number:
        """Return a factorial, or one that leaves out every second or third factor."""
        (value,) = values
        marks = len(node[1]) if node[1].startswith("!") else 1
        if not isinstance(value, int) or value < 0 or value > MAX_FACTORIAL:
            return self.opaque(node)
        if marks == 1:
            self.spend(1 + value)
            return self.checked_exact(math.factorial(value))
        self.spend(1 + value)
        return self.checked_exact(math.prod(range(value, 0, -marks)))

    def binomial(self, node: Node, values: list[Number]) -> Number:
        """Return a binomial coefficient; of a letter, as a polynomial."""
        n, k = values if len(values) == 2 else (0, -1)
        if not isinstance(k, int):
            return self.opaque(node)
        if isinstance(n, int) and 0 <= n <= MAX_FACTORIAL and k >= 0:
            self.spend(1 + n)
            return self.checked_exact(math.comb(n, k))
        if not 0 <= k <= 20:
            return self.opaque(node)
        factors = [self.sum([n, -each]) for each in range(k)]
        return self.quotient(self.product_of(*factors), math.factorial(k))

    def integers(self, node: Node, values: list[Number]) -> Number:
        """Return a greatest common divisor, a least common multiple or a remainder."""
        whole = [value for value in values if isinstance(value, int)]
        if len(whole) < len(values):
            return self.opaque(node)
        self.spend(sum(map(_bits, whole)) >> 4)
        if node[1] == "mod":
            if len(whole) != 2 or not whole[1]:
                return self.opaque(node)
            return whole[0] % whole[1]
        return math.gcd(*whole) if node[1] == "gcd" else self.checked_exact(math.lcm(*whole))

    def extreme(self, node: Node, values: list[Number]) -> Number:
        """Return the largest or the smallest of some numbers."""
        if any(isinstance(value, Complex) for value in values):
            return self.opaque(node)
        self.bent = True
        pick = max if node[1] == "max" else min
        return pick(values, key=lambda value: value if is_exact(value) else Fraction(value))  # type: ignore[arg-type, return-value]

    def determinant(self, node: Node) -> Number:
        """Return the determinant of a small matrix."""
        rows = [[self.value(cell) for cell in row] for row in node[1]]
        if len(rows) != len(rows[0]) or len(rows) > 4:
            raise Unreadable("no small square matrix")
        return self.minor(rows)

    def minor(self, rows: list[list[Number]]) -> Number:
        """Return a determinant by its first row."""
        if len(rows) == 1:
            return rows[0][0]
        terms = []
        for column, cell in enumerate(rows[0]):
            rest = [[*row[:column], *row[column + 1 :]] for row in rows[1:]]
            terms.append(self.product_of((-1) ** column, cell, self.minor(rest)))
        return self.sum(terms)


def _size(value: Number) -> int | Fraction | Decimal:
    if isinstance(value, int):
        return abs(value)
    return abs(value) if isinstance(value, Fraction) else modulus(value)


def _is_moderate(base: Inexact, exponent: int) -> bool:
    """Whether a power of a number close to one is neither too large nor without digits."""
    size = float(modulus(base))
    if not 0.001 < size < 1000 or abs(exponent) > _LARGEST_EXPONENT:
        return False
    return abs(math.log10(size) * exponent) <= MAX_LOG10


def _is_even(node: Node) -> bool:
    return node[0] == "n" and isinstance(node[1], int) and node[1] > 0 and node[1] % 2 == 0


def _whole_root(value: int, index: int) -> int | None:
    """Return the exact root of a positive integer, or None."""
    if index == 2:
        root = math.isqrt(value)
    elif value.bit_length() > 4096:
        return None
    elif value < 2:
        root = value
    else:
        root = 1 << -(-value.bit_length() // index)
        while True:
            better = ((index - 1) * root + value // root ** (index - 1)) // index
            if better >= root:
                break
            root = better
    return root if root**index == value else None


_SERIES: Final = frozenset({"\\sum", "\\prod"})
_PERIODIC: Final = frozenset({*TRIGONOMETRIC, "cis"})
_BRANCHED: Final = frozenset({"ln", *("a" + name for name in TRIGONOMETRIC + HYPERBOLIC)})
_STEPPED: Final = frozenset(
    {"floor", "ceil", "gcd", "lcm", "mod", "max", "min", "factorial", "!", "!!", "!!!", "sign"}
)
_METHODS: Final[dict[str, Callable[[Evaluator, Node, list[Number]], Number]]] = {
    **dict.fromkeys(FUNCTIONS, Evaluator.elementary),
    "ln": Evaluator.natural_logarithm,
    "abs": Evaluator.absolute,
    "floor": Evaluator.whole,
    "ceil": Evaluator.whole,
    **{"!" * marks: Evaluator.factorial for marks in range(1, 4)},
    "factorial": Evaluator.factorial,
    "binom": Evaluator.binomial,
    "gcd": Evaluator.integers,
    "lcm": Evaluator.integers,
    "mod": Evaluator.integers,
    "max": Evaluator.extreme,
    "min": Evaluator.extreme,
}
