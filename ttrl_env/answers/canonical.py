r"""The canonical key of an expression tree.

- `Canonicaliser`: turns one tree into its key.
- `number_key`: the key of one exact number.

A key is a short string. Two trees have the same key when they denote the same thing: the same
rational number; constants that agree to twelve decimals; functions that agree to 27 digits at
two fixed points; tuples, sets, intervals, matrices and relations of such.
"""

from __future__ import annotations

from fractions import Fraction
from hashlib import blake2b
from math import gcd
from typing import Any, Final

from ttrl_env.answers.evaluate import (
    NEGATIVE,
    POSITIVE,
    SECOND,
    Evaluator,
    Number,
    context,
    is_close,
    is_exact,
)
from ttrl_env.answers.limits import MAX_KEY, Unreadable
from ttrl_env.answers.parser import Node

__all__ = ["Canonicaliser", "digest", "number_key"]

_LONG_BITS: Final = 256
_MIRRORED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_LIST_KINDS: Final = frozenset({"list", "set"})


def digest(text: str) -> str:
    """Return sixteen bytes of hash for a text of any length, lone surrogates included."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def number_key(value: Number) -> str:
    """Return the key of an exact number.

    >>> number_key(Fraction(6, 4))
    '3/2'
    """
    if isinstance(value, Fraction) and value.denominator != 1:
        return f"{_integer_key(value.numerator)}/{_integer_key(value.denominator)}"
    return _integer_key(int(value))


def _integer_key(value: int) -> str:
    if value.bit_length() <= _LONG_BITS:
        return str(value)
    data = value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)
    return "int#" + blake2b(data, digest_size=16).hexdigest()


def _bounded(key: str) -> str:
    if len(key) <= MAX_KEY:
        return key
    return f"{key[:24]}#{digest(key)}"


def _simple_fraction(value: Any) -> Fraction | None:
    """Return the fraction of small denominator that a number is to forty digits, if any."""
    sign, mantissa, exponent, bits = value._mpf_
    if not mantissa:
        return Fraction(0)
    if exponent >= 0 or bits + exponent > 64:
        return None
    numerator, denominator = int(mantissa), 1 << -exponent
    h0, k0, h1, k1 = 0, 1, 1, 0
    for _ in range(40):
        whole, rest = divmod(numerator, denominator)
        h0, k0, h1, k1 = h1, k1, whole * h1 + h0, whole * k1 + k0
        if k1 > 1_000_000:
            return None
        found = Fraction(h1, k1)
        if is_close(found, -value if sign else value):
            return -found if sign else found
        if not rest:
            return None
        numerator, denominator = denominator, rest
    return None


def _real_key(value: Any) -> str:
    """Return the key of a real constant: exact where it is a simple fraction."""
    if is_exact(value):
        return number_key(value)
    simple = _simple_fraction(value)
    if simple is not None:
        return number_key(simple)
    ctx = context()
    if ctx.mag(value) > 0:
        if ctx.mag(value) > 128:
            return "~" + _digits(value)
        return f"~{int(ctx.nint(value * 10**12))}e-12"
    if ctx.mag(value) < -1000:
        return "~" + _digits(value)
    return f"~{float(value):.11e}"


def _digits(value: Any) -> str:
    """Return 90 bits of a number of any kind, as text."""
    if is_exact(value):
        return number_key(value)
    ctx = context()
    if isinstance(value, ctx.mpc):
        return f"{_digits(value.real)}+{_digits(value.imag)}i"
    from mpmath.libmp import mpf_pos

    sign, mantissa, exponent, _ = mpf_pos(value._mpf_, 90, "n")
    return f"{'-' if sign else ''}{int(mantissa):x}p{exponent}"


def letters(node: Any, found: set[str] | None = None) -> set[str]:
    """Return the names of the letters in a tree."""
    found = set() if found is None else found
    if isinstance(node, tuple):
        if node and node[0] == "x":
            found.add(node[1])
        else:
            for child in node[1:]:
                letters(child, found)
    elif isinstance(node, list):
        for child in node:
            letters(child, found)
    return found


def _has(node: Any, kind: str) -> bool:
    if isinstance(node, tuple):
        return bool(node) and (node[0] == kind or any(_has(child, kind) for child in node[1:]))
    return isinstance(node, list) and any(_has(child, kind) for child in node)


def _choose_sign(node: Any, sign: int) -> Any:
    """Return a tree with every plus-minus decided."""
    if isinstance(node, tuple):
        if node and node[0] == "pm":
            return ("*", [("n", sign * node[1]), _choose_sign(node[2], sign)])
        return tuple(_choose_sign(child, sign) for child in node)
    if isinstance(node, list):
        return [_choose_sign(child, sign) for child in node]
    return node


class Canonicaliser:
    """The key of one tree.

    The keys of subtrees are remembered, so that the cost stays linear in the tree.
    """

    def __init__(self) -> None:
        self.evaluator = Evaluator(self.key)
        self.known: dict[int, str] = {}

    def key(self, node: Node) -> str:
        """Return the key of `node`.

        Raises:
            Unreadable: If the tree has no canonical form within the limits.
        """
        known = self.known.get(id(node))
        if known is None:
            known = self.known[id(node)] = _bounded(self.build(node))
        return known

    def build(self, node: Node) -> str:
        kind = node[0]
        if kind == "n":
            return number_key(node[1])
        infinite = _infinity(node)
        if infinite:
            return infinite
        if kind in _LIST_KINDS:
            return self.collection(node[1])
        if kind == "tuple":
            return self.bracketed(node[1], node[2], node[3])
        if kind == "rel":
            return self.relation(node[1], node[2])
        if kind == "mat":
            return self.matrix(node[1])
        if kind in {"cup", "cap", "minus"}:
            return self.set_operation(node)
        if kind == "ratio":
            return self.ratio(node[1])
        if kind == "base":
            return f"base{node[2]}:{node[1]}"
        if node == ("x", "mathbb R"):
            return "(-inf,inf)"
        if _has(node, "pm"):
            return self.collection([node])
        return self.expression(node)

    # -- numbers and functions

    def expression(self, node: Node) -> str:
        evaluator = self.evaluator
        state = evaluator.varying, evaluator.branchy
        evaluator.varying = evaluator.branchy = False
        first = evaluator.at(node, POSITIVE)
        varying, branchy = evaluator.varying, evaluator.branchy
        second = first
        if varying and not is_exact(first):
            second = evaluator.at(node, SECOND if branchy else NEGATIVE)
        elif varying:
            second = evaluator.at(node, NEGATIVE)
        evaluator.varying, evaluator.branchy = state
        return self.function_key(first, second, branchy=branchy) if varying else self.constant(first)

    def constant(self, value: Number) -> str:
        if is_exact(value):
            return number_key(value)
        if isinstance(value, context().mpc):
            return f"({_real_key(value.real)})+({_real_key(value.imag)})i"
        return _real_key(value)

    def function_key(self, first: Number, second: Number, *, branchy: bool) -> str:
        if is_close(first, second):
            return self.constant(first)
        return f"f{'+' if branchy else ''}:{_digits(first)}|{_digits(second)}"

    # -- collections

    def elements(self, item: Node) -> list[str]:
        """Return the keys of one item of a list: two for a plus-minus."""
        if _has(item, "pm") and item[0] not in {"tuple", "rel", "list", "set", "mat"}:
            return [self.key(_choose_sign(item, 1)), self.key(_choose_sign(item, -1))]
        if item[0] == "rel" and _has(item, "pm"):
            plus, minus = _choose_sign(item, 1), _choose_sign(item, -1)
            # The two trees must outlive their entries in `known`.
            self.kept = [*getattr(self, "kept", []), plus, minus]
            return [self.key(plus), self.key(minus)]
        return [self.key(item)]

    def collection(self, items: list[Node]) -> str:
        """Return the key of a list or a set: its distinct elements in a fixed order."""
        if not items:
            return "{}"
        names = [_name_of_assignment(item) for item in items]
        if len(items) > 1 and None not in names and len(set(names)) == len(names):
            pairs = sorted(zip(names, items, strict=True), key=lambda pair: str(pair[0]))
            return "(" + ",".join(self.key(item[2][1]) for _, item in pairs) + ")"
        keys = sorted({key for item in items for key in self.elements(item)})
        return keys[0] if len(keys) == 1 else "{" + ",".join(keys) + "}"

    def bracketed(self, items: list[Node], opening: str, closing: str) -> str:
        if all(item[0] == "tuple" and item[2] == "[" for item in items):
            widths = {len(item[1]) for item in items}
            if len(widths) == 1 and len(items) > 1:
                return self.matrix([item[1] for item in items])
        keys = [self.key(item) for item in items]
        if len(keys) == 2:
            return _interval(opening, keys[0], keys[1], closing)
        return "(" + ",".join(keys) + ")"

    def matrix(self, rows: list[list[Node]]) -> str:
        keys = [[self.key(cell) for cell in row] for row in rows]
        if len(keys) == 1 or len(keys[0]) == 1:
            return "(" + ",".join(key for row in keys for key in row) + ")"
        return "mat[" + ";".join(",".join(row) for row in keys) + "]"

    def set_operation(self, node: Node) -> str:
        kind = node[0]
        if kind == "cup":
            return self.union(node)
        left, right = node[1], node[2]
        if left[0] in _LIST_KINDS and _is_expression(right):
            right = ("set", [right])
        if left[0] in _LIST_KINDS and right[0] in _LIST_KINDS:
            a = {key for item in left[1] for key in self.elements(item)}
            b = {key for item in right[1] for key in self.elements(item)}
            chosen = sorted(a & b if kind == "cap" else a - b)
            return chosen[0] if len(chosen) == 1 else "{" + ",".join(chosen) + "}"
        if kind == "minus" and self.key(left) == "(-inf,inf)" and right[0] in _LIST_KINDS:
            if len(right[1]) == 1:
                return _except(self.key(right[1][0]))
        keys = [self.key(left), self.key(right)]
        if kind == "cap":
            keys.sort()
        return f"{kind}[{','.join(keys)}]"

    def union(self, node: Node) -> str:
        parts: list[Node] = []
        while node[0] == "cup":
            parts.append(node[2])
            node = node[1]
        parts.append(node)
        points: set[str] = set()
        ranges: set[str] = set()
        for part in parts:
            if part[0] in _LIST_KINDS:
                points |= {key for item in part[1] for key in self.elements(item)}
            else:
                key = self.key(part)
                ranges |= set(key[4:-1].split(";")) if key.startswith("cup[") and "#" not in key else {key}
        if points:
            ranges.add("{" + ",".join(sorted(points)) + "}")
        return ranges.pop() if len(ranges) == 1 else "cup[" + ";".join(sorted(ranges)) + "]"

    def ratio(self, parts: list[Node]) -> str:
        keys = [self.key(part) for part in parts]
        values = [part[1] for part in parts if part[0] == "n"]
        if len(values) == len(parts) and all(isinstance(value, int) and value > 0 for value in values):
            hours, minutes = values[0], values[-1]
            if not (len(values) == 2 and hours <= 24 and 10 <= minutes < 60):
                common = gcd(*values)
                keys = [number_key(value // common) for value in values]
        return ":".join(keys)

    # -- relations

    def relation(self, signs: list[str], parts: list[Node]) -> str:
        if set(signs) <= {"=", "~"}:
            return self.equation(signs, parts)
        if signs == ["in"] and _is_name(parts[0]):
            return self.key(parts[1])
        if signs == ["!="] and _is_name(parts[0]):
            return _except(self.key(parts[1]))
        if set(signs) <= {"<", "<="} or set(signs) <= {">", ">="}:
            return self.inequality(signs, parts)
        if len(signs) == 1 and signs[0] in {"!="}:
            return f"!=[{','.join(sorted(map(self.key, parts)))}]"
        return "rel[" + "".join(
            self.key(part) + sign for part, sign in zip(parts, [*signs, ""], strict=True)
        ) + "]"

    def equation(self, signs: list[str], parts: list[Node]) -> str:
        if "~" in signs:
            cut = signs.index("~") + 1
            kept = parts[:cut]
            parts = parts[cut:] if len(kept) == 1 and _is_name(kept[0]) else kept
            if len(parts) == 1:
                return self.key(parts[0])
        while len(parts) > 1 and parts[0][0] != "x" and _is_name(parts[0]) and not _is_name(parts[1]):
            parts = parts[1:]
        if len(parts) == 2:
            solved = self.solved(parts)
            if solved is not None:
                return solved
        while len(parts) > 1 and _is_name(parts[0]) and not _is_name(parts[1]) and _separate(parts):
            parts = parts[1:]
        if len(parts) == 2 and parts[1][0] == "x" and not _is_name(parts[0]):
            if parts[1][1] not in letters(parts[0]):
                parts = parts[:1]
        if len(parts) == 1:
            return self.key(parts[0])
        keys = [self.key(part) for part in parts]
        if len(set(keys)) == 1:
            return keys[0]
        if len(parts) == 2 and all(map(_is_expression, parts)):
            return "eq:" + self.up_to_scale(parts[0], parts[1], signed=False)
        return "eq[" + ",".join(sorted(keys)) + "]"

    def solved(self, parts: list[Node]) -> str | None:
        """Return the key of the one letter an equation is linear in (y, or its only letter)."""
        if not all(map(_is_expression, parts)):
            return None
        names = letters(parts[0]) | letters(parts[1])
        name = "y" if "y" in names else next(iter(names)) if len(names) == 1 else None
        if name is None or (name == "y" and parts[0][0] == parts[1][0] == "x"):
            return None
        evaluator = self.evaluator
        state = evaluator.varying, evaluator.branchy
        evaluator.branchy = False
        try:
            first = self.solve_at(parts, name, POSITIVE)
            if first is None:
                return None
            branchy = evaluator.branchy
            point = SECOND if branchy else NEGATIVE
            second = first if len(names) == 1 else self.solve_at(parts, name, point)
        finally:
            evaluator.varying, evaluator.branchy = state
        if second is None:
            return None
        return self.constant(first) if len(names) == 1 else self.function_key(first, second, branchy=branchy)

    def difference(self, parts: list[Node], point: int) -> Number:
        evaluator = self.evaluator
        left = evaluator.at(parts[0], point)
        right = evaluator.at(parts[1], point)
        return evaluator.sum([left, evaluator.product_of(-1, right)])

    def solve_at(self, parts: list[Node], name: str, point: int) -> Number | None:
        """Return the solution for a letter at a point, or None where that is not linear."""
        evaluator = self.evaluator
        values = []
        try:
            for trial in (0, 1, Fraction(7, 3)):
                evaluator.overrides = {name: trial}
                values.append(self.difference(parts, point))
            evaluator.overrides = {}
            start = evaluator.product_of(-1, values[0])
            slope = evaluator.sum([values[1], start])
            rise = evaluator.sum([values[2], start])
            if slope == 0 or not is_close(rise, evaluator.product_of(Fraction(7, 3), slope)):
                return None
            return evaluator.quotient(start, slope)
        except Unreadable:
            return None
        finally:
            evaluator.overrides = {}

    def up_to_scale(self, left: Node, right: Node, *, signed: bool) -> str:
        """Return a key of `left - right` that no constant factor changes."""
        evaluator = self.evaluator
        state = evaluator.varying, evaluator.branchy
        evaluator.branchy = False
        values = [self.difference([left, right], POSITIVE)]
        points = (SECOND,) if evaluator.branchy else (NEGATIVE, SECOND)
        values += [self.difference([left, right], point) for point in points]
        evaluator.varying, evaluator.branchy = state
        if values[0] == 0:
            raise Unreadable("an equation that always holds")
        if isinstance(values[0], context().mpc):
            signed = False
        sign = ("-" if values[0] < 0 else "+") if signed else ""
        ratios = [evaluator.quotient(value, values[0]) for value in values[1:]]
        return sign + "|".join(map(_digits, ratios))

    def inequality(self, signs: list[str], parts: list[Node]) -> str:
        if signs[0] in {">", ">="}:
            signs = [_MIRRORED[sign] for sign in reversed(signs)]
            parts = parts[::-1]
        if len(parts) == 3 and _is_name(parts[1]):
            opening = "(" if signs[0] == "<" else "["
            closing = ")" if signs[1] == "<" else "]"
            return _interval(opening, self.key(parts[0]), self.key(parts[2]), closing)
        if len(parts) == 2 and all(map(_is_expression, parts)):
            half = self.half_line(signs[0], parts)
            if half is not None:
                return half
            return f"{signs[0]}:" + self.up_to_scale(parts[0], parts[1], signed=True)
        pairs = zip(parts, [*signs, ""], strict=True)
        return "rel[" + "".join(self.key(part) + sign for part, sign in pairs) + "]"

    def half_line(self, sign: str, parts: list[Node]) -> str | None:
        """Return the key of the half-line of an inequality that is linear in its one letter."""
        opening, closing = ("(", ")") if sign == "<" else ("[", "]")
        if _is_name(parts[0]) and not letters(parts[1]):
            return _interval("(", "-inf", self.key(parts[1]), closing)
        if _is_name(parts[1]) and not letters(parts[0]):
            return _interval(opening, self.key(parts[0]), "inf", ")")
        names = letters(parts[0]) | letters(parts[1])
        if len(names) != 1:
            return None
        name = next(iter(names))
        bound = self.solve_at(parts, name, POSITIVE)
        if bound is None or isinstance(bound, context().mpc):
            return None
        evaluator = self.evaluator
        evaluator.overrides = {name: evaluator.sum([bound, 1])}
        above = self.difference(parts, POSITIVE)
        evaluator.overrides = {}
        if above < 0:
            return _interval(opening, self.constant(bound), "inf", ")")
        return _interval("(", "-inf", self.constant(bound), closing)


def _infinity(node: Node) -> str | None:
    if node == ("c", "inf"):
        return "inf"
    if node[0] == "*" and len(node[1]) == 2 and node[1][1] == ("c", "inf"):
        return {("n", -1): "-inf", ("n", 1): "inf"}.get(node[1][0])
    return None


def _interval(opening: str, low: str, high: str, closing: str) -> str:
    """Return the key of an interval; open ones look like points, as they do on paper."""
    opening = "(" if low == "-inf" else opening
    closing = ")" if high == "inf" else closing
    return f"{opening}{low},{high}{closing}"


def _except(key: str) -> str:
    """Return the key of all real numbers but one."""
    return f"cup[(-inf,{key});({key},inf)]"


def _is_expression(node: Node) -> bool:
    return node[0] in {"n", "~", "x", "c", "+", "*", "/", "^", "root", "f", "deg"} and not _has(
        node, "pm"
    )


def _is_name(node: Node) -> bool:
    """Whether a tree only names something: `x`, `f(x)`, `AB`, `NO/BO`, `(p, q)`, `|AB|`."""
    kind = node[0]
    if kind == "x":
        return True
    if kind == "f":
        return node[1].strip("'") in {"f", "g", "h"} or (
            node[1] in {"abs", "det"} and all(map(_is_name, node[2]))
        )
    if kind == "*":
        first = node[1][0]
        if all(factor[0] == "x" and factor[1][0].isupper() for factor in node[1]):
            return True
        return (
            len(node[1]) == 2
            and first[0] == "x"
            and (first[1][0].isupper() or len(first[1]) > 3)
            and node[1][1][0] in {"x", "n", "tuple"}
        )
    if kind == "/":
        return _is_name(node[1]) and _is_name(node[2])
    if kind in {"tuple", "ratio"}:
        return all(map(_is_name, node[1]))
    return False


def _separate(parts: list[Node]) -> bool:
    """Whether the name on the left does not occur on the right."""
    left = parts[0]
    if left[0] == "x":
        return left[1] not in letters(list(parts[1:]))
    return True


def _name_of_assignment(item: Node) -> str | None:
    if item[0] != "rel" or item[1] != ["="] or not _is_name(item[2][0]):
        return None
    return repr(item[2][0])
