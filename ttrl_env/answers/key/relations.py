r"""The key of an equation or an inequality.

- `relation_key`: the key of a chain of relations.
- `as_range`: the interval that an inequality describes, as a tree.

An equation that only gives its value a name is that value. One that is linear in y, or in its
only letter, is solved for it. Any other is compared up to a constant factor.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final, NamedTuple

from ttrl_env.answers.formula.names import is_name, is_separate, letters
from ttrl_env.answers.formula.tree import Node
from ttrl_env.answers.formula.vocabulary import TRIGONOMETRIC
from ttrl_env.answers.key.expressions import INFINITY, MINUS_INFINITY, Expressions
from ttrl_env.answers.key.writing import digits
from ttrl_env.answers.limits import Unreadable
from ttrl_env.answers.value.numbers import (
    Number,
    inexact,
    is_close,
    is_negative,
    is_real,
    less,
    modulus,
)
from ttrl_env.answers.value.points import NEGATIVE, POSITIVE, SECOND
from ttrl_env.answers.value.walk import NOTHING

__all__ = ["as_range", "relation_key"]

_BENT: Final = frozenset({"abs", "max", "min"})
_POSED: Final = frozenset({"\\int", "\\sum", "\\prod", "\\lim"})
_MIRRORED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_PLACES: Final = 16
"""Decimals a rounded number may have."""
_TRIAL: Final = Fraction(7, 3)
"""Where a function that is linear between 0 and 1 is tried once more."""


def relation_key(canon: Expressions, signs: list[str], parts: list[Node]) -> str:
    """Returns the key of a chain of relations."""
    if set(signs) <= {"=", "~"}:
        return _equation(canon, signs, parts)
    if signs == ["in"] and is_name(parts[0]):
        return canon.key(parts[1])
    described = as_range(canon, signs, parts)
    if described is not None:
        return canon.key(described)
    if signs == ["!="]:
        return f"!=[{','.join(sorted(map(canon.key, parts)))}]"
    if signs[0] in {">", ">="} and set(signs) <= {">", ">="}:
        signs, parts = [_MIRRORED[sign] for sign in reversed(signs)], parts[::-1]
    if signs in (["<"], ["<="]) and all(map(canon.is_expression, parts)):
        return f"{signs[0]}:" + _up_to_scale(canon, parts, signed=True)
    pairs = zip(parts, [*signs, ""], strict=True)
    return "rel[" + "".join(canon.key(part) + sign for part, sign in pairs) + "]"


def as_range(canon: Expressions, signs: list[str], parts: list[Node]) -> Node | None:
    """Returns the interval or the union that an inequality in one letter describes, as a tree."""
    if signs == ["!="] and is_name(parts[0]) and not letters(parts[1]):
        return _outside("(", parts[1], parts[1], ")")
    if signs == ["in"] and is_name(parts[0]):
        return parts[1]
    if not (set(signs) <= {"<", "<="} or set(signs) <= {">", ">="}):
        return None
    if signs[0] in {">", ">="}:
        signs, parts = [_MIRRORED[sign] for sign in reversed(signs)], parts[::-1]
    if len(parts) == 3:
        opening = "(" if signs[0] == "<" else "["
        closing = ")" if signs[1] == "<" else "]"
        inside: Node = ("tuple", [parts[0], parts[2]], opening, closing)
        if _is_size(parts[1]) and not letters([parts[0], parts[2]]):
            return (
                "cup",
                inside,
                ("tuple", [_minus(parts[2]), _minus(parts[0])], _opened(closing), _closed(opening)),
            )
        return inside if is_name(parts[1]) else None
    if len(parts) == 2 and all(map(canon.is_expression, parts)):
        return _half_line(canon, signs[0], parts)
    return None


def _is_size(node: Node) -> bool:
    """Whether a tree is the absolute value of a small letter."""
    if node[:2] != ("f", "abs") or len(node[2]) != 1:
        return False
    (inside,) = node[2]
    return bool(inside[0] == "x" and inside[1][0].islower())


def _minus(node: Node) -> Node:
    return ("*", [("n", -1), node])


def _opened(closing: str) -> str:
    return "(" if closing == ")" else "["


def _closed(opening: str) -> str:
    return ")" if opening == "(" else "]"


def _outside(opening: str, low: Node, high: Node, closing: str) -> Node:
    """Returns all numbers below one end or above another."""
    return (
        "cup",
        ("tuple", [MINUS_INFINITY, low], "(", closing),
        ("tuple", [high, INFINITY], opening, ")"),
    )


def _half_line(canon: Expressions, sign: str, parts: list[Node]) -> Node | None:
    """Returns the half-line of an inequality that is linear in its one letter."""
    opening, closing = ("(", ")") if sign == "<" else ("[", "]")
    left, right = parts
    if _is_size(left) and not letters(right):
        return ("tuple", [_minus(right), right], opening, closing)
    if _is_size(right) and not letters(left):
        return _outside(opening, _minus(left), left, closing)
    if is_name(left) and not letters(right):
        return ("tuple", [MINUS_INFINITY, right], "(", closing)
    if is_name(right) and not letters(left):
        return ("tuple", [left, INFINITY], opening, ")")
    names = letters(left) | letters(right)
    if len(names) != 1:
        return None
    name = next(iter(names))
    solution = _solve_at(canon, parts, name, POSITIVE)
    if solution is None or not is_real(solution.value):
        return None
    bound = solution.value
    above = _difference(canon, parts, POSITIVE, {name: canon.evaluator.sum([bound, 1])}).value
    end: Node = ("v", bound)
    if not is_real(above):
        return None
    if is_negative(above):
        return ("tuple", [end, INFINITY], opening, ")")
    return ("tuple", [MINUS_INFINITY, end], "(", closing)


def _equation(canon: Expressions, signs: list[str], parts: list[Node]) -> str:
    """Returns the key of an equation: its value, where it only gives something a name."""
    if "~" in signs:
        cut = signs.index("~") + 1
        kept = parts[:cut]
        parts = parts[cut:] if len(kept) == 1 and is_name(kept[0]) else kept
        if len(parts) == 1:
            return canon.key(parts[0])
    constants = _constants(canon, parts)
    if len(constants) > 1:
        # The steps of a computation, or a number and its rounded value.
        if all(_is_rounded(canon, constants[0], other) for other in constants[1:]):
            return canon.key(constants[0])
        return "eq[" + ",".join(sorted(map(canon.key, constants))) + "]"
    while len(parts) > 1 and _stands_for(parts[0], parts[1]):
        parts = parts[1:]
    named = len(parts) == 2 and parts[0][0] == "x" and not is_name(parts[1])
    if named and parts[0][1] not in {"x", "y"} and is_separate(parts):
        parts = parts[1:]
    if len(parts) == 2:
        solved = _solved(canon, parts)
        if solved is not None:
            return solved
    while len(parts) > 1 and is_name(parts[0]) and not is_name(parts[1]) and is_separate(parts):
        parts = parts[1:]
    named = len(parts) == 2 and parts[1][0] == "x" and not is_name(parts[0])
    if named and parts[1][1] not in letters(parts[0]):
        parts = parts[:1]
    if len(parts) == 1:
        return canon.key(parts[0])
    keys = [canon.key(part) for part in parts]
    if len(set(keys)) == 1:
        return keys[0]
    if len(parts) == 2 and all(map(canon.is_expression, parts)):
        return "eq:" + _up_to_scale(canon, parts, signed=False)
    return "eq[" + ",".join(sorted(keys)) + "]"


def _constants(canon: Expressions, parts: list[Node]) -> list[Node]:
    """Returns the two or more constants that an equation ends in, or nothing."""
    if len(parts) < 2 or not (_is_constant(canon, parts[-2]) and _is_constant(canon, parts[-1])):
        return []
    start = len(parts) - 2
    while start and _is_constant(canon, parts[start - 1]):
        start -= 1
    return parts[start:]


def _is_constant(canon: Expressions, node: Node) -> bool:
    if node[0] == "n" or node[0] == "x":
        return bool(node[0] == "n")
    return canon.is_expression(node) and not letters(node) and canon.key(node)[0] != "f"


def _is_rounded(canon: Expressions, node: Node, rounded: Node) -> bool:
    """Whether a constant is another one, or its value to some decimals."""
    if canon.key(node) == canon.key(rounded):
        return True
    value = canon.real(node)
    if rounded[0] != "n" or value is None or isinstance(value, int):
        return False
    places = next((k for k in range(_PLACES) if rounded[1] * 10**k % 1 == 0), 0)
    distance = canon.evaluator.sum([value, -rounded[1]])
    return places > 0 and not less(Fraction(1, 10**places), modulus(inexact(distance)))


def _stands_for(left: Node, right: Node) -> bool:
    """Whether the left-hand side of an equation, not a letter, names or poses the right-hand."""
    if left[0] == "x":
        return False
    if is_name(right):  # `f(x) = x`
        return right[0] == "x" and left[0] in {"f", "*"} and right in left[-1] and is_name(left)
    if left[0] == "f" and len(left[2]) > 0:
        if left[1] in _POSED:
            return right[0] != "f" or right[1] not in _POSED
        if left[1] in TRIGONOMETRIC:
            return is_name(left[2][0]) and not letters(right)
    return is_name(left)


def _solved(canon: Expressions, parts: list[Node]) -> str | None:
    """Returns the key of the one letter an equation is linear in (y, or its only letter)."""
    if not all(map(canon.is_expression, parts)):
        return None
    names = letters(parts[0]) | letters(parts[1])
    name = "y" if "y" in names else next(iter(names)) if len(names) == 1 else None
    if name is None or (name == "y" and parts[0][0] == parts[1][0] == "x"):
        return None
    if parts[0] == ("x", name) and name not in letters(parts[1]):
        return canon.key(parts[1])
    solution = _solve_at(canon, parts, name, POSITIVE)
    if solution is None:
        return None
    first = solution.value
    if len(names) == 1:
        return canon.constant(first)
    other = _solve_at(canon, parts, name, SECOND if solution.branchy else NEGATIVE)
    if other is None:
        return None
    if is_close(first, other.value):
        return canon.constant(first)
    exact = canon.zero(parts, name) if solution.is_smooth else None
    return exact or canon.function_key(first, other.value, branchy=solution.branchy)


class _Found(NamedTuple):
    """A number, and what was met on the way to it, as in `Sample`."""

    value: Number
    branchy: bool
    bent: bool

    @property
    def is_smooth(self) -> bool:
        """Whether it may be the value of a quotient of polynomials."""
        return not self.branchy and not self.bent


def _difference(
    canon: Expressions, parts: list[Node], point: int, overrides: Mapping[str, Number] = NOTHING
) -> _Found:
    """Returns the left-hand side less the right-hand side."""
    evaluator = canon.evaluator
    left, right = (evaluator.sample(part, point, overrides) for part in parts)
    difference = evaluator.sum([left.value, evaluator.product_of(-1, right.value)])
    return _Found(difference, left.branchy or right.branchy, left.bent or right.bent)


def _solve_at(canon: Expressions, parts: list[Node], name: str, point: int) -> _Found | None:
    """Returns the solution for a letter at a point, or None where that is not linear."""
    evaluator = canon.evaluator
    values = []
    try:
        # A side without the letter has one value, whatever the letter's.
        known = [None if name in letters(part) else evaluator.sample(part, point) for part in parts]
        seen = [sample for sample in known if sample]
        for trial in (0, 1, _TRIAL):
            left, right = (
                evaluator.sample(part, point, {name: trial}) if sample is None else sample
                for part, sample in zip(parts, known, strict=True)
            )
            seen += [left, right]
            values.append(evaluator.sum([left.value, evaluator.product_of(-1, right.value)]))
        start = evaluator.product_of(-1, values[0])
        slope = evaluator.sum([values[1], start])
        rise = evaluator.sum([values[2], start])
        bent = any(sample.bent for sample in seen)
        if slope == 0 or (bent and any(_bends(part, name) for part in parts)):
            return None
        if not is_close(rise, evaluator.product_of(_TRIAL, slope)):
            return None
        branchy = any(sample.branchy for sample in seen)
        return _Found(evaluator.quotient(start, slope), branchy, bent)
    except Unreadable:
        return None


def _bends(node: Any, name: str) -> bool:
    """Whether a letter stands in an absolute value, or in what has one part after another."""
    if isinstance(node, tuple):
        if node[:2] == ("root", ("n", 2)) or (node[:1] == ("f",) and node[1] in _BENT):
            return name in letters(node)
        node = node[1:]
    elif not isinstance(node, list):
        return False
    return any(_bends(child, name) for child in node if isinstance(child, (tuple, list)))


def _up_to_scale(canon: Expressions, parts: list[Node], *, signed: bool) -> str:
    """Returns a key of `left - right` that no constant factor changes."""
    evaluator = canon.evaluator
    found = _difference(canon, parts, POSITIVE)
    first = found.value
    if first == 0:
        raise Unreadable("an equation that always holds")
    exact = canon.multiple(parts, signed=signed) if found.is_smooth else None
    if exact is not None:
        return exact
    points = (SECOND,) if found.branchy else (NEGATIVE, SECOND)
    values = [first, *(_difference(canon, parts, point).value for point in points)]
    sign = ""
    if signed and is_real(first):
        sign = "-" if is_negative(first) else "+"
    ratios = [evaluator.quotient(value, values[0]) for value in values[1:]]
    return sign + "|".join(map(digits, ratios))
