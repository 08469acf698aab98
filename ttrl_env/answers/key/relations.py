r"""The key of an equation or an inequality.

- `relation_key`: the key of a chain of relations.
- `as_range`: the interval that an inequality describes, as a tree.

An equation that only gives its value a name is that value. One that is linear in y, or in its
only letter, is solved for it. Any other is compared up to a constant factor.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from ttrl_env.answers.formula.names import is_name, is_separate, letters
from ttrl_env.answers.formula.parser import Node
from ttrl_env.answers.formula.vocabulary import TRIGONOMETRIC
from ttrl_env.answers.key.writing import digits
from ttrl_env.answers.limits import Unreadable
from ttrl_env.answers.value.evaluator import NEGATIVE, POSITIVE, SECOND, Number, inexact, is_close
from ttrl_env.answers.value.numbers import Complex

if TYPE_CHECKING:
    from ttrl_env.answers.key.canonical import Canonicaliser

__all__ = ["as_range", "relation_key"]

_BENT: Final = frozenset({"abs", "max", "min"})
_POSED: Final = frozenset({"\\int", "\\sum", "\\prod", "\\lim"})
_MIRRORED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_PLACES: Final = 16
"""Decimals a rounded number may have."""
_TRIAL: Final = Fraction(7, 3)
"""Where a function that is linear between 0 and 1 is tried once more."""
_INFINITY: Final = ("c", "inf")
_MINUS_INFINITY: Final = ("*", [("n", -1), _INFINITY])


def relation_key(canon: Canonicaliser, signs: list[str], parts: list[Node]) -> str:
    """Return the key of a chain of relations."""
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


def as_range(canon: Canonicaliser, signs: list[str], parts: list[Node]) -> Node | None:
    """Return the interval or the union that an inequality in one letter describes, as a tree."""
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
    """Return all numbers below one end or above another."""
    return (
        "cup",
        ("tuple", [_MINUS_INFINITY, low], "(", closing),
        ("tuple", [high, _INFINITY], opening, ")"),
    )


def _half_line(canon: Canonicaliser, sign: str, parts: list[Node]) -> Node | None:
    """Return the half-line of an inequality that is linear in its one letter."""
    opening, closing = ("(", ")") if sign == "<" else ("[", "]")
    left, right = parts
    if _is_size(left) and not letters(right):
        return ("tuple", [_minus(right), right], opening, closing)
    if _is_size(right) and not letters(left):
        return _outside(opening, _minus(left), left, closing)
    if is_name(left) and not letters(right):
        return ("tuple", [_MINUS_INFINITY, right], "(", closing)
    if is_name(right) and not letters(left):
        return ("tuple", [left, _INFINITY], opening, ")")
    names = letters(left) | letters(right)
    if len(names) != 1:
        return None
    name = next(iter(names))
    bound = _solve_at(canon, parts, name, POSITIVE)
    if bound is None or isinstance(bound, Complex):
        return None
    evaluator = canon.evaluator
    evaluator.overrides = {name: evaluator.sum([bound, 1])}
    above = _difference(canon, parts, POSITIVE)
    evaluator.overrides = {}
    if isinstance(above, Complex):
        return None
    end = ("v", bound)
    if above < 0:
        return ("tuple", [end, _INFINITY], opening, ")")
    return ("tuple", [_MINUS_INFINITY, end], "(", closing)


def _equation(canon: Canonicaliser, signs: list[str], parts: list[Node]) -> str:
    """Return the key of an equation: its value, where it only gives something a name."""
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


def _constants(canon: Canonicaliser, parts: list[Node]) -> list[Node]:
    """Return the two or more constants that an equation ends in, or nothing."""
    if len(parts) < 2 or not (_is_constant(canon, parts[-2]) and _is_constant(canon, parts[-1])):
        return []
    start = len(parts) - 2
    while start and _is_constant(canon, parts[start - 1]):
        start -= 1
    return parts[start:]


def _is_constant(canon: Canonicaliser, node: Node) -> bool:
    if node[0] == "n" or node[0] == "x":
        return bool(node[0] == "n")
    return canon.is_expression(node) and not letters(node) and canon.key(node)[0] != "f"


def _is_rounded(canon: Canonicaliser, node: Node, rounded: Node) -> bool:
    """Whether a constant is another one, or its value to some decimals."""
    if canon.key(node) == canon.key(rounded):
        return True
    value = canon.real(node)
    if rounded[0] != "n" or value is None or isinstance(value, int):
        return False
    places = next((k for k in range(_PLACES) if rounded[1] * 10**k % 1 == 0), 0)
    distance = inexact(value) - inexact(rounded[1])
    return (
        places > 0
        and not isinstance(distance, Complex)
        and (abs(distance) <= Decimal(1).scaleb(-places))
    )


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


def _solved(canon: Canonicaliser, parts: list[Node]) -> str | None:
    """Return the key of the one letter an equation is linear in (y, or its only letter)."""
    if not all(map(canon.is_expression, parts)):
        return None
    names = letters(parts[0]) | letters(parts[1])
    name = "y" if "y" in names else next(iter(names)) if len(names) == 1 else None
    if name is None or (name == "y" and parts[0][0] == parts[1][0] == "x"):
        return None
    if parts[0] == ("x", name) and name not in letters(parts[1]):
        return canon.key(parts[1])
    evaluator = canon.evaluator
    state = evaluator.varying, evaluator.branchy
    evaluator.branchy = False
    try:
        first = _solve_at(canon, parts, name, POSITIVE)
        if first is None:
            return None
        branchy = evaluator.branchy
        point = SECOND if branchy else NEGATIVE
        second = first if len(names) == 1 else _solve_at(canon, parts, name, point)
    finally:
        evaluator.varying, evaluator.branchy = state
    if second is None:
        return None
    return (
        canon.constant(first)
        if len(names) == 1
        else canon.function_key(first, second, branchy=branchy)
    )


def _difference(canon: Canonicaliser, parts: list[Node], point: int) -> Number:
    """Return the left-hand side less the right-hand side at a point."""
    evaluator = canon.evaluator
    left = evaluator.at(parts[0], point)
    right = evaluator.at(parts[1], point)
    return evaluator.sum([left, evaluator.product_of(-1, right)])


def _solve_at(canon: Canonicaliser, parts: list[Node], name: str, point: int) -> Number | None:
    """Return the solution for a letter at a point, or None where that is not linear."""
    evaluator = canon.evaluator
    evaluator.bent = False
    values = []
    try:
        # A side without the letter has one value, whatever the letter's.
        known = [None if name in letters(part) else evaluator.at(part, point) for part in parts]
        for trial in (0, 1, _TRIAL):
            evaluator.overrides = {name: trial}
            left, right = (
                evaluator.at(part, point) if value is None else value
                for part, value in zip(parts, known, strict=True)
            )
            values.append(evaluator.sum([left, evaluator.product_of(-1, right)]))
        evaluator.overrides = {}
        start = evaluator.product_of(-1, values[0])
        slope = evaluator.sum([values[1], start])
        rise = evaluator.sum([values[2], start])
        if slope == 0 or (evaluator.bent and any(_bends(part, name) for part in parts)):
            return None
        if not is_close(rise, evaluator.product_of(_TRIAL, slope)):
            return None
        return evaluator.quotient(start, slope)
    except Unreadable:
        return None
    finally:
        evaluator.overrides = {}


def _bends(node: Any, name: str) -> bool:
    """Whether a letter stands in an absolute value, or in what has one part after another."""
    if isinstance(node, tuple):
        if node[:2] == ("root", ("n", 2)) or (node[:1] == ("f",) and node[1] in _BENT):
            return name in letters(node)
        node = node[1:]
    elif not isinstance(node, list):
        return False
    return any(_bends(child, name) for child in node if isinstance(child, (tuple, list)))


def _up_to_scale(canon: Canonicaliser, parts: list[Node], *, signed: bool) -> str:
    """Return a key of `left - right` that no constant factor changes."""
    evaluator = canon.evaluator
    state = evaluator.varying, evaluator.branchy
    evaluator.branchy = False
    values = [_difference(canon, parts, POSITIVE)]
    points = (SECOND,) if evaluator.branchy else (NEGATIVE, SECOND)
    values += [_difference(canon, parts, point) for point in points]
    evaluator.varying, evaluator.branchy = state
    if values[0] == 0:
        raise Unreadable("an equation that always holds")
    sign = ""
    if signed and not isinstance(values[0], Complex):
        sign = "-" if values[0] < 0 else "+"
    ratios = [evaluator.quotient(value, values[0]) for value in values[1:]]
    return sign + "|".join(map(digits, ratios))
