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
import threading
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final, TypeAlias

from ttrl_env.answers.limits import (
    MAX_EXACT_BITS,
    MAX_FACTORIAL,
    MAX_LOG2,
    MAX_WORK,
    Unreadable,
)
from ttrl_env.answers.parser import Node

__all__ = ["NEGATIVE", "POSITIVE", "SECOND", "Evaluator", "Number", "is_close", "is_exact"]

Number: TypeAlias = Any
"""`int`, `Fraction`, or a number of the thread's mpmath context."""

POSITIVE: Final = 0
NEGATIVE: Final = 1
SECOND: Final = 2
_BITS: Final = 200
_TOLERANCE_BITS: Final = 130
_local = threading.local()


def context() -> Any:
    """Return this thread's arithmetic of 60 digits; mpmath's own global one is left alone."""
    try:
        return _local.context
    except AttributeError:
        from mpmath.ctx_mp import MPContext

        made = MPContext()
        made.prec = _BITS
        _local.context = made
        return made


def is_exact(value: Number) -> bool:
    """Whether a number is known exactly."""
    return isinstance(value, (int, Fraction))


def is_close(a: Number, b: Number) -> bool:
    """Whether two numbers agree to about forty digits; exact ones have to be equal."""
    if is_exact(a) and is_exact(b):
        return bool(a == b)
    ctx = context()
    a, b = _inexact(a), _inexact(b)
    return bool(abs(a - b) <= ctx.ldexp(max(abs(a), abs(b)), -_TOLERANCE_BITS))


def _inexact(value: Number) -> Any:
    ctx = context()
    if isinstance(value, int):
        return ctx.mpf(value)
    if isinstance(value, Fraction):
        return ctx.mpf(value.numerator) / value.denominator
    return value


@lru_cache(maxsize=4096)
def _hashed(name: str, point: int) -> int:
    """Return 192 bits that depend on the name and the point only."""
    return int.from_bytes(blake2b(f"{point}|{name}".encode("utf-8", "surrogatepass"), digest_size=24).digest(), "big")


def _letter_value(name: str, point: int) -> Any:
    """Return what a letter stands for: in (0.3, 0.95), (-1.95, -1.05) or (1.05, 1.95)."""
    ctx = context()
    part = ctx.ldexp(ctx.mpf(_hashed(name, point)), -192)
    if point == POSITIVE:
        return ctx.mpf(3) / 10 + part * 13 / 20
    value = ctx.mpf(21) / 20 + part * 9 / 10
    return -value if point == NEGATIVE else value


def _bits(value: Number) -> int:
    if isinstance(value, int):
        return value.bit_length()
    return value.numerator.bit_length() + value.denominator.bit_length()


def _reduced(value: Number) -> Number:
    return value.numerator if isinstance(value, Fraction) and value.denominator == 1 else value


class Evaluator:
    """Values of expression trees at one point after another.

    Args:
        key: The key of a subtree, for what is not computed.

    Attributes:
        varying: Whether a letter has been met since it was last reset.
        branchy: Whether a root or a logarithm of something with letters has been met, which is
            why such an expression is compared where its letters are positive.
        overrides: Values for letters that differ from the fixed ones.
    """

    def __init__(self, key: Callable[[Node], str]) -> None:
        self.key = key
        self.work = 0
        self.point = POSITIVE
        self.varying = False
        self.branchy = False
        self.in_degrees = False
        self.overrides: dict[str, Number] = {}

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
        self.work += amount
        if self.work > MAX_WORK:
            raise Unreadable("too much work")

    def value(self, node: Node) -> Number:
        kind = node[0]
        if kind == "n":
            return node[1]
        self.spend(1)
        if kind == "x":
            return self.letter(node[1])
        if kind == "*":
            return self.product(node[1])
        if kind == "+":
            return self.sum([self.value(term) for term in node[1]])
        if kind == "/":
            return self.quotient(self.value(node[1]), self.value(node[2]))
        if kind == "^":
            return self.power_node(node)
        if kind == "root":
            return self.root_node(node)
        if kind == "c":
            return self.constant(node[1])
        if kind == "f":
            return self.function(node)
        if kind == "deg":
            value = self.value(node[1])
            return self.product_of(value, self.constant("pi"), Fraction(1, 180)) if self.in_degrees else value
        if kind == "~":
            return _inexact(node[1])
        if kind == "set" and len(node[1]) == 1:
            return self.value(node[1][0])
        if kind == "det":
            return self.determinant(node)
        raise Unreadable(f"no number: {kind}")

    # -- arithmetic

    def checked(self, value: Number) -> Number:
        """Return `value` unless it is too large to compute with."""
        if isinstance(value, (int, Fraction)):
            size = _bits(value)
            if size > 256:
                self.spend(size >> 6)
                if size > MAX_EXACT_BITS:
                    raise Unreadable("too large a number")
            return _reduced(value)
        ctx = context()
        if not ctx.isfinite(value):
            raise Unreadable("no finite value")
        if value and abs(ctx.mag(value)) > MAX_LOG2:
            raise Unreadable("too large a number")
        return value

    def sum(self, values: list[Number]) -> Number:
        exact: Number = 0
        rest: list[Any] = []
        for value in values:
            if isinstance(value, (int, Fraction)):
                exact = self.checked(exact + value)
            else:
                rest.append(value)
        if not rest:
            return exact
        if exact:
            rest.append(_inexact(exact))
        total = rest[0]
        for value in rest[1:]:
            total = total + value
        largest = max(abs(value) for value in rest)
        # What is left of a cancellation is rounding error, not a number.
        if abs(total) <= context().ldexp(largest, -_TOLERANCE_BITS):
            return 0
        return self.without_dust(total)

    def without_dust(self, value: Any) -> Any:
        """Drop a real or imaginary part that is rounding error of the other."""
        ctx = context()
        if not isinstance(value, ctx.mpc):
            return value
        real, imaginary = value.real, value.imag
        if abs(imaginary) <= ctx.ldexp(abs(real), -_TOLERANCE_BITS):
            return real
        if abs(real) <= ctx.ldexp(abs(imaginary), -_TOLERANCE_BITS):
            return ctx.mpc(0, imaginary)
        return value

    def product(self, nodes: list[Node]) -> Number:
        return self.product_of(*[self.value(node) for node in nodes])

    def product_of(self, *values: Number) -> Number:
        exact: Number = 1
        rest: Any = None
        for value in values:
            if isinstance(value, (int, Fraction)):
                exact = self.checked(exact * value)
            else:
                rest = value if rest is None else self.checked(rest * value)
        if rest is None or exact == 0:
            return exact
        if exact != 1:
            rest = rest * _inexact(exact)
        return self.without_dust(self.checked(rest))

    def quotient(self, top: Number, bottom: Number) -> Number:
        if bottom == 0:
            raise Unreadable("a division by zero")
        if isinstance(top, (int, Fraction)) and isinstance(bottom, (int, Fraction)):
            return self.checked(Fraction(top) / bottom)
        if top == 0:
            return 0
        return self.without_dust(self.checked(_inexact(top) / _inexact(bottom)))

    def power_node(self, node: Node) -> Number:
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
        self.spend(5)
        exponent = _inexact(exponent)
        if abs(exponent) > MAX_LOG2 // 2:
            return self.opaque(node)
        return self.without_dust(context().exp(exponent))

    def raise_to(self, node: Node, base: Number, exponent: Number) -> Number:
        ctx = context()
        if isinstance(exponent, int):
            if exponent == 1:
                return base
            if base == 0:
                if exponent <= 0:
                    raise Unreadable("a power of zero")
                return 0
            if isinstance(base, (int, Fraction)):
                if base in {1, -1}:
                    return base if exponent % 2 else 1
                if _bits(base) * abs(exponent) > MAX_EXACT_BITS:
                    return self.opaque(node)
                return self.checked(Fraction(base) ** exponent)
            self.spend(exponent.bit_length())
            if (abs(ctx.mag(base)) + 1) * abs(exponent) > MAX_LOG2:
                return self.opaque(node)
            return self.without_dust(base**exponent)
        if isinstance(exponent, Fraction):
            return self.radical(node, base, exponent)
        if base == 0:
            raise Unreadable("a power of zero")
        self.spend(8)
        logarithm = ctx.log(_inexact(base)) * exponent
        if abs(logarithm) > MAX_LOG2 // 2:
            return self.opaque(node)
        return self.without_dust(ctx.exp(logarithm))

    def root_node(self, node: Node) -> Number:
        before, self.varying = self.varying, False
        index = self.value(node[1])
        base = self.value(node[2])
        self.branchy |= self.varying
        self.varying |= before
        if index == 0 or not is_exact(index):
            raise Unreadable("a root without an index")
        return self.radical(node, base, Fraction(1, 1) / index)

    def radical(self, node: Node, base: Number, exponent: Fraction) -> Number:
        """Return a fractional power: real for odd roots of negative numbers, else principal."""
        if base == 0:
            if exponent <= 0:
                raise Unreadable("a power of zero")
            return 0
        top, index = exponent.numerator, exponent.denominator
        ctx = context()
        if index > 64 or abs(top) > 256:
            if is_exact(base) and _bits(base) > 4096:
                return self.opaque(node)
            self.spend(8)
            logarithm = ctx.log(_inexact(base)) * _inexact(exponent)
            if abs(logarithm) > MAX_LOG2 // 2 or abs(logarithm) < 2.0**-64:
                return self.opaque(node)
            return self.without_dust(ctx.exp(logarithm))
        negative = not isinstance(base, ctx.mpc) and base < 0
        size = -base if negative else base
        root: Number
        if is_exact(size):
            root = self.exact_root(size, index)
        else:
            self.spend(6)
            root = ctx.sqrt(size) if index == 2 else ctx.root(size, index)
        if negative:
            if index % 2:
                root = -root
            elif index == 2:
                root = ctx.mpc(0, _inexact(root))
            else:
                root = _inexact(root) * ctx.expjpi(ctx.mpf(1) / index)
        return self.raise_to(node, root, top)

    def exact_root(self, value: Number, index: int) -> Number:
        """Return the root of a positive rational, exactly where it is rational."""
        fraction = Fraction(value)
        top, bottom = _whole_root(fraction.numerator, index), _whole_root(fraction.denominator, index)
        if top is not None and bottom is not None:
            return _reduced(Fraction(top, bottom))
        self.spend(6 + (_bits(value) >> 5))
        ctx = context()
        inexact = self.checked(_inexact(value))
        return ctx.sqrt(inexact) if index == 2 else ctx.root(inexact, index)

    # -- leaves

    def letter(self, name: str) -> Number:
        self.varying = True
        if name in self.overrides:
            return self.overrides[name]
        return _letter_value(name, self.point)

    def constant(self, name: str) -> Number:
        ctx = context()
        if name == "pi":
            return +ctx.pi
        if name == "e":
            return +ctx.e
        if name == "i":
            return ctx.mpc(0, 1)
        raise Unreadable(f"no number: {name}")

    def opaque(self, node: Node) -> Number:
        """Return the fixed number that stands for something not computed."""
        self.spend(5)
        if node[0] == "f":
            name, arguments = node[1], node[2]
        else:
            name, arguments = node[0], node[1:]
        state = self.point, self.varying, self.branchy, self.overrides
        self.overrides = {}
        keys = [self.key(argument) for argument in arguments]
        self.point, self.varying, self.branchy, self.overrides = state
        self.varying = True
        if name in {"max", "min", "gcd", "lcm"}:
            keys.sort()
        return _letter_value("\0" + name + "\0" + "\0".join(keys), self.point)

    # -- functions

    def function(self, node: Node) -> Number:
        name, arguments = node[1], node[2]
        self.spend(5)
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
        return self.without_dust(self.checked(result)) if not is_exact(result) else result

    def elementary(self, node: Node, values: list[Number]) -> Number:
        if len(values) != 1:
            return self.opaque(node)
        name, ctx = node[1], context()
        argument = _inexact(values[0])
        if argument and abs(ctx.mag(argument)) > 256:
            return self.opaque(node)
        if name in _RECIPROCAL:
            return self.quotient(1, self.snapped(getattr(ctx, _RECIPROCAL[name])(argument)))
        if name in _INVERSE_RECIPROCAL:
            if argument == 0:
                raise Unreadable("a division by zero")
            return getattr(ctx, _INVERSE_RECIPROCAL[name])(1 / argument)
        if name == "tan":
            return self.quotient(
                self.snapped(ctx.sin(argument)), self.snapped(ctx.cos(argument))
            )
        result = getattr(ctx, name)(argument)
        return self.snapped(result) if name in _PERIODIC else result

    def snapped(self, value: Any) -> Number:
        """Return zero for a sine or cosine that is rounding error."""
        return 0 if abs(value) < 2.0**-_TOLERANCE_BITS else value

    def logarithm(self, node: Node, values: list[Number]) -> Number:
        if len(values) != 1:
            return self.opaque(node)
        if values[0] == 0:
            raise Unreadable("a logarithm of zero")
        return 0 if values[0] == 1 else context().log(_inexact(values[0]))

    def absolute(self, node: Node, values: list[Number]) -> Number:
        return abs(values[0]) if len(values) == 1 else self.opaque(node)

    def whole(self, node: Node, values: list[Number]) -> Number:
        """Return a floor or a ceiling."""
        if len(values) != 1:
            return self.opaque(node)
        value = values[0]
        if not is_exact(value):
            ctx = context()
            if isinstance(value, ctx.mpc) or ctx.mag(value) > _TOLERANCE_BITS // 2:
                return self.opaque(node)
            nearest = int(ctx.nint(value))
            value = nearest if is_close(value, nearest) else value
        if is_exact(value):
            return math.floor(value) if node[1] == "floor" else math.ceil(value)
        return int(context().floor(value) if node[1] == "floor" else context().ceil(value))

    def factorial(self, node: Node, values: list[Number]) -> Number:
        (value,) = values
        marks = len(node[1]) if node[1].startswith("!") else 1
        if not isinstance(value, int) or value < 0 or value > MAX_FACTORIAL:
            return self.opaque(node)
        if marks == 1:
            self.spend(1 + value)
            return self.checked(math.factorial(value))
        self.spend(1 + value)
        return self.checked(math.prod(range(value, 0, -marks)))

    def binomial(self, node: Node, values: list[Number]) -> Number:
        if len(values) != 2 or not all(isinstance(value, int) for value in values):
            return self.opaque(node)
        n, k = values
        if not (0 <= n <= MAX_FACTORIAL and 0 <= k):
            return self.opaque(node)
        self.spend(1 + n)
        return self.checked(math.comb(n, k))

    def integers(self, node: Node, values: list[Number]) -> Number:
        """Return a greatest common divisor, a least common multiple or a remainder."""
        if not all(isinstance(value, int) for value in values):
            return self.opaque(node)
        self.spend(sum(_bits(value) for value in values) >> 4)
        if node[1] == "mod":
            if len(values) != 2 or not values[1]:
                return self.opaque(node)
            return values[0] % values[1]
        return math.gcd(*values) if node[1] == "gcd" else self.checked(math.lcm(*values))

    def extreme(self, node: Node, values: list[Number]) -> Number:
        if not all(is_exact(value) for value in values):
            ctx = context()
            values = [_inexact(value) for value in values]
            if any(isinstance(value, ctx.mpc) for value in values):
                return self.opaque(node)
        return max(values) if node[1] == "max" else min(values)

    def determinant(self, node: Node) -> Number:
        rows = [[self.value(cell) for cell in row] for row in node[1]]
        if len(rows) != len(rows[0]) or len(rows) > 4:
            raise Unreadable("no small square matrix")
        return self.minor(rows)

    def minor(self, rows: list[list[Number]]) -> Number:
        if len(rows) == 1:
            return rows[0][0]
        terms = []
        for column, cell in enumerate(rows[0]):
            rest = [[*row[:column], *row[column + 1 :]] for row in rows[1:]]
            terms.append(self.product_of((-1) ** column, cell, self.minor(rest)))
        return self.sum(terms)


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


_PERIODIC: Final = frozenset({"sin", "cos", "tan", "cot", "sec", "csc"})
_BRANCHED: Final = frozenset(
    "ln asin acos atan acot asec acsc asinh acosh atanh acoth asech acsch".split()
)
_STEPPED: Final = frozenset("floor ceil gcd lcm mod max min binom factorial ! sign".split())
_RECIPROCAL: Final = {"cot": "tan", "sec": "cos", "csc": "sin", "coth": "tanh", "sech": "cosh", "csch": "sinh"}
_INVERSE_RECIPROCAL: Final = {
    "acot": "atan",
    "asec": "acos",
    "acsc": "asin",
    "acoth": "atanh",
    "asech": "acosh",
    "acsch": "asinh",
}
_METHODS: Final[dict[str, Callable[[Evaluator, Node, list[Number]], Number]]] = {
    **dict.fromkeys(
        [*_PERIODIC, *_RECIPROCAL, *_INVERSE_RECIPROCAL, "sinh", "cosh", "tanh"],
        Evaluator.elementary,
    ),
    **dict.fromkeys(["asin", "acos", "atan", "asinh", "acosh", "atanh"], Evaluator.elementary),
    "ln": Evaluator.logarithm,
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
