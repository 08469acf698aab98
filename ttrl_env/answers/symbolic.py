"""Returns whether two answers are equal, as SymPy sees it: proved, refuted, or neither.

- `verdict`: compares two expression trees.
- `expression`: a tree as a SymPy expression. It is built node by node; no text is parsed.
- `main`: answers questions on standard input until it ends, for `prove`.

SymPy may take minutes or gigabytes over a short formula, so nothing but `prove`, which runs this
in a process of its own, and tests should call it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, Final

import sympy

from ttrl_env.answers.formula.names import is_name, is_separate
from ttrl_env.answers.formula.tree import REALS, Node
from ttrl_env.answers.keys import tree_of
from ttrl_env.answers.limits import Unreadable

__all__ = ["expression", "main", "verdict"]

Verdict = tuple[str, str]
_PROVED: Final = "proved"
_REFUTED: Final = "refuted"
_UNKNOWN: Final = "unknown"
_VALUES: Final = (
    *(Fraction(7, 5), Fraction(-3, 2), Fraction(1, 3), Fraction(-2, 7), Fraction(5, 1)),
    *(Fraction(-4, 1), Fraction(11, 13), Fraction(9, 4)),
)
"""What letters are tried at."""
_DIGITS: Final = 30
_CLOSE: Final = 1e-18
_CLOSE_WHEN_ROUNDED: Final = 1e-11
_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    **{
        name: getattr(sympy, name)
        for name in ("sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh", "coth")
    },
    **{
        name: getattr(sympy, name)
        for name in ("sech", "csch", "asin", "acos", "atan", "acot", "asec", "acsc", "asinh")
    },
    **{name: getattr(sympy, name) for name in ("acosh", "atanh", "acoth", "asech", "acsch")},
    "ln": sympy.log,
    "abs": sympy.Abs,
    "floor": sympy.floor,
    "ceil": sympy.ceiling,
    "!": sympy.factorial,
    "factorial": sympy.factorial,
    "!!": sympy.factorial2,
    "binom": sympy.binomial,
    "max": sympy.Max,
    "min": sympy.Min,
    "mod": sympy.Mod,
    "gcd": sympy.gcd,
    "lcm": sympy.lcm,
    "sign": sympy.sign,
    "cis": lambda angle: sympy.exp(sympy.I * angle),
}
_PERIODIC: Final = frozenset({"sin", "cos", "tan", "cot", "sec", "csc", "cis"})
_LARGEST_EXPONENT: Final = 1000


class _Builder:
    """SymPy expressions of trees, in which one name is one symbol.

    Attributes:
        rounded: Whether a printed float has been met, which is known to twelve digits.
    """

    def __init__(self) -> None:
        self.names: dict[str, Any] = {}
        self.rounded = False

    def symbol(self, name: str) -> Any:
        """Returns the symbol of a letter; its name never reaches SymPy's parser."""
        if name not in self.names:
            self.names[name] = sympy.Symbol(f"x{len(self.names)}", real=True)
        return self.names[name]

    def build(self, node: Node, *, angle: bool = False) -> Any:
        """Returns the expression of a tree.

        Raises:
            Unreadable: If it has none.
        """
        match node:
            case ("n" | "~" as kind, value):
                self.rounded |= kind == "~"
                exact = Fraction(value)
                return sympy.Rational(exact.numerator, exact.denominator)
            case ("x", name) if node != REALS:
                return self.symbol(name)
            case ("c", name):
                return {"pi": sympy.pi, "e": sympy.E, "i": sympy.I, "inf": sympy.oo}[name]
            case ("+", terms):
                return sympy.Add(*(self.build(term, angle=angle) for term in terms))
            case ("*", factors):
                return sympy.Mul(*(self.build(factor, angle=angle) for factor in factors))
            case ("/", top, bottom):
                return self.build(top, angle=angle) / self.build(bottom, angle=angle)
            case ("^", base, exponent):
                return self.power(self.build(base), self.build(exponent))
            case ("root", index, inside):
                return self.power(self.build(inside), 1 / self.build(index))
            case ("deg", inside):
                value = self.build(inside, angle=angle)
                return value * sympy.pi / 180 if angle else value
            case ("f", name, arguments):
                return self.function(name, arguments)
            case ("set", [only]):
                return self.build(only)
        raise Unreadable(f"no expression: {node[0]}")

    def power(self, base: Any, exponent: Any) -> Any:
        """Returns a power; an odd root of a negative number is real, as answers mean it."""
        if exponent.is_Integer and abs(exponent) > _LARGEST_EXPONENT:
            raise Unreadable("a large power")
        if exponent.is_Rational and exponent.q % 2 and exponent.q > 1:
            return sympy.real_root(base, exponent.q) ** exponent.p
        return base**exponent

    def function(self, name: str, arguments: list[Node]) -> Any:
        """Returns a function, known or not."""
        values = [self.build(each, angle=name in _PERIODIC) for each in arguments]
        known = _FUNCTIONS.get(name)
        if known is not None:
            return known(*values)
        if name.startswith("\\"):
            raise Unreadable(f"no expression: {name}")
        key = "\0" + name
        if key not in self.names:
            self.names[key] = sympy.Function(f"f{len(self.names)}")
        return self.names[key](*values)


def expression(node: Node) -> Any:
    """Returns a tree as a SymPy expression.

    Raises:
        Unreadable: If it has none: a set, a matrix, an integral.

    >>> expression(("^", ("+", [("x", "x"), ("n", 1)]), ("n", 2)))
    (x0 + 1)**2
    """
    return _Builder().build(node)


def verdict(a: Node, b: Node) -> Verdict:
    """Returns "proved", "refuted" or "unknown", and what supports it.

    >>> from ttrl_env.answers.formula.parser import parse
    >>> verdict(parse("(x+1)^2"), parse("x^2+2x+1"))
    ('proved', 'the difference simplifies to 0')
    >>> verdict(parse("x^2"), parse("x"))
    ('refuted', 'at x = 7/5 they are 1.96000 and 1.40000')
    """
    try:
        return _compared(_bare(a), _bare(b))
    except (Unreadable, ArithmeticError, ValueError, TypeError, AttributeError) as error:
        return _UNKNOWN, str(error) or type(error).__name__


def _bare(node: Node) -> Node:
    """Returns the right-hand side of an equation that only names it."""
    while node[0] == "rel" and node[1][0] == "=" and is_name(node[2][0]):
        parts = node[2]
        if not is_separate(parts) or (len(parts) == 2 and is_name(parts[1])):
            return node
        node = parts[1] if len(parts) == 2 else ("rel", node[1][1:], parts[1:])
    return node


def _compared(a: Node, b: Node) -> Verdict:
    if a == b:
        return _PROVED, "both are written alike"
    match a, b:
        case ("tuple", left, *ends), ("tuple", right, *other) if ends == other:
            return _all(left, right)
        case ("mat", left), ("mat", right) if [len(row) for row in left] == [
            len(row) for row in right
        ]:
            return _all([cell for row in left for cell in row], [c for row in right for c in row])
        case (("list" | "set"), left), (("list" | "set"), right) if len(left) == len(right) > 1:
            return _matched(left, right)
        case ("rel", ["="], left), ("rel", ["="], right) if len(left) == len(right) == 2:
            return _equations(left, right)
    return _expressions(a, b)


def _all(left: list[Node], right: list[Node]) -> Verdict:
    """Compares parts in their order."""
    if len(left) != len(right):
        return _REFUTED, f"{len(left)} parts and {len(right)}"
    found = [_compared(_bare(a), _bare(b)) for a, b in zip(left, right, strict=True)]
    for kind in (_REFUTED, _UNKNOWN):
        for said in found:
            if said[0] == kind:
                return said
    return _PROVED, "every part is equal"


def _matched(left: list[Node], right: list[Node]) -> Verdict:
    """Compares parts in any order."""
    rest = list(right)
    for a in left:
        found = [_compared(_bare(a), _bare(b)) for b in rest]
        equal = next((i for i, said in enumerate(found) if said[0] == _PROVED), None)
        if equal is None:
            refuted = bool(found) and all(said[0] == _REFUTED for said in found)
            return (_REFUTED, "a part has no equal") if refuted else (_UNKNOWN, "parts differ")
        del rest[equal]
    return _PROVED, "every part has its equal"


def _equations(left: list[Node], right: list[Node]) -> Verdict:
    """Compares two equations: proved where one is a multiple of the other."""
    builder = _Builder()
    first = builder.build(left[0]) - builder.build(left[1])
    second = builder.build(right[0]) - builder.build(right[1])
    ratio = sympy.simplify(first / second)
    if ratio.is_number and ratio.is_finite and not ratio.is_zero:
        return _PROVED, f"one is {ratio} times the other"
    return _UNKNOWN, "neither is a multiple of the other"


def _expressions(a: Node, b: Node) -> Verdict:
    builder = _Builder()
    first, second = builder.build(a), builder.build(b)
    difference = first - second
    if difference == 0:
        return _PROVED, "the expressions are the same"
    symbols = {
        symbol: name for name, symbol in builder.names.items() if isinstance(symbol, sympy.Symbol)
    }
    close, tried = _CLOSE_WHEN_ROUNDED if builder.rounded else _CLOSE, 0
    for point in _points(sorted(symbols, key=str)):
        values = [_value(each, point) for each in (first, second)]
        if values[0] is None or values[1] is None:
            continue
        tried += 1
        if abs(values[0] - values[1]) > close * max(1, abs(values[0]), abs(values[1])):
            place = ", ".join(f"{symbols[each]} = {value}" for each, value in point.items())
            shown = " and ".join(str(sympy.N(each, 6)) for each in values)
            return _REFUTED, (f"at {place} they are {shown}" if place else f"they are {shown}")
    if builder.rounded:
        return _UNKNOWN, "one is a printed float, and they agree to its digits"
    if _is_zero(difference):
        return _PROVED, "the difference simplifies to 0"
    return _UNKNOWN, f"equal at {tried} points, but no proof was found"


def _points(symbols: list[Any]) -> Iterator[dict[Any, Any]]:
    """Yields places to look at: letters of either sign."""
    if not symbols:
        yield {}
        return
    for start in range(len(_VALUES)):
        yield {
            symbol: sympy.Rational(*_VALUES[(start + 3 * index) % len(_VALUES)].as_integer_ratio())
            for index, symbol in enumerate(symbols)
        }


def _value(expression: Any, point: dict[Any, Any]) -> Any:
    """Returns the value at a point, or None where there is none."""
    value = sympy.N(expression.subs(point), _DIGITS)
    return value if value.is_number and value.is_finite else None


def _is_zero(difference: Any) -> bool:
    steps: tuple[Callable[[Any], Any], ...] = (
        sympy.expand,
        sympy.cancel,
        sympy.radsimp,
        sympy.trigsimp,
        sympy.simplify,
        lambda each: sympy.simplify(each.rewrite(sympy.exp)),
        sympy.sqrtdenest,
    )
    if any(step(difference) == 0 for step in steps):
        return True
    return bool(difference.equals(0))


def main() -> None:
    """Answers each line of standard input, a pair of answers as JSON, with a line of JSON."""
    print("ready", flush=True)  # noqa: T201
    for line in sys.stdin:
        said: Verdict
        try:
            a, b = json.loads(line)
            said = verdict(tree_of(a), tree_of(b))
        except (Unreadable, MemoryError, RecursionError) as error:
            said = _UNKNOWN, str(error) or type(error).__name__
        print(json.dumps(said), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
