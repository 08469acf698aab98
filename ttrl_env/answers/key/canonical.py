r"""The canonical key of an expression tree.

- `canonical_key`: the key of a tree.
- `Canonicaliser`: computes one.

A key is a short string. Two trees have the same key when they denote the same thing: the same
rational number; constants that agree to twelve decimals; functions that agree to 27 digits at
two fixed points; tuples, sets, intervals, matrices and relations of such.
"""

from __future__ import annotations

from decimal import Decimal, getcontext, setcontext
from math import gcd
from typing import Any, Final

from ttrl_env.answers.formula.names import are_roots, letters, name_of_assignment
from ttrl_env.answers.formula.parser import REALS, Node
from ttrl_env.answers.key.relations import as_range, relation_key
from ttrl_env.answers.key.writing import bounded, digest, digits, interval_key, number_key, real_key
from ttrl_env.answers.limits import Unreadable
from ttrl_env.answers.value.evaluator import (
    FAR,
    NEGATIVE,
    POSITIVE,
    SECOND,
    Evaluator,
    Number,
    is_close,
    is_exact,
)
from ttrl_env.answers.value.matrices import matrix_value
from ttrl_env.answers.value.numbers import PRECISION, Complex
from ttrl_env.answers.value.ranges import (
    EVERYTHING,
    Range,
    compare,
    difference,
    intersection,
    union,
)

__all__ = ["Canonicaliser", "canonical_key"]

_EXPRESSIONS: Final = frozenset({"n", "~", "x", "c", "+", "*", "/", "^", "root", "f", "deg", "v"})
_INFINITY: Final = ("c", "inf")
_MINUS_INFINITY: Final = ("*", [("n", -1), _INFINITY])
_LIST_KINDS: Final = frozenset({"list", "set"})


def _has(node: Any, kind: str) -> bool:
    if isinstance(node, tuple):
        if not node or node[0] == kind:
            return bool(node)
    elif not isinstance(node, list):
        return False
    for child in node:  # noqa: SIM110 - a loop is faster than a generator here, and this is hot
        if isinstance(child, (tuple, list)) and _has(child, kind):
            return True
    return False


def _choose_sign(node: Any, sign: int) -> Any:
    """Return a tree with every plus-minus decided."""
    if isinstance(node, tuple):
        if node and node[0] == "pm":
            return ("*", [("n", sign * node[1]), _choose_sign(node[2], sign)])
        return tuple(_choose_sign(child, sign) for child in node)
    if isinstance(node, list):
        return [_choose_sign(child, sign) for child in node]
    return node


def canonical_key(tree: Node, *, ambiguous: bool = True) -> str:
    """Return the key of a tree.

    Args:
        tree: The tree.
        ambiguous: Whether there may be a plus-minus in it, which costs time to look for.

    Raises:
        Unreadable: If the tree has no canonical form within the limits.

    >>> canonical_key(("+", [("n", 1), ("n", 2)]))
    '3'
    """
    if tree[0] == "n":
        return bounded(number_key(tree[1]))
    canon = Canonicaliser(ambiguous=ambiguous and _has(tree, "pm"))
    # The context itself and not a copy of it: nothing but its flags changes, which nobody reads.
    outside = getcontext()
    setcontext(PRECISION)
    try:
        return canon.key(tree)
    except (ArithmeticError, ValueError) as error:
        raise Unreadable(f"no value: {error}") from error
    finally:
        setcontext(outside)
        # The two refer to each other; parted, they are freed at once.
        del canon.evaluator


class Canonicaliser:
    """The key of one tree.

    Args:
        ambiguous: Whether there is a plus-minus in the tree.

    The keys of subtrees are remembered, so that the cost stays linear in the tree.
    """

    def __init__(self, *, ambiguous: bool) -> None:
        self.ambiguous = ambiguous
        self.evaluator = Evaluator(self.key)
        self.known: dict[int, tuple[Node, str]] = {}

    def key(self, node: Node) -> str:
        """Return the key of `node`.

        Raises:
            Unreadable: If the tree has no canonical form within the limits.
        """
        if node[0] == "n":
            return bounded(number_key(node[1]))
        known = self.known.get(id(node))
        if known is None:
            # The tree is kept with its key: an identity may only be reused once it is free.
            known = self.known[id(node)] = (node, bounded(self.build(node)))
        return known[1]

    def build(self, node: Node) -> str:
        """Return the key of a tree by its kind."""
        kind = node[0]
        if kind in _EXPRESSIONS:
            infinite = _infinity(node) if kind == "c" or kind == "*" else None
            if infinite:
                return infinite
            if kind == "x" and node == REALS:
                return "(-inf,inf)"
            if self.ambiguous and _has(node, "pm"):
                return self.collection([node])
            try:
                return self.expression(node)
            except Unreadable:
                if not _has(node, "mat") and not _has(node, "tuple"):
                    raise
                return self.matrix_expression(node)
        if kind in _LIST_KINDS:
            return self.collection(node[1])
        if kind == "tuple":
            return self.bracketed(node[1], node[2], node[3])
        if kind == "rel":
            return relation_key(self, node[1], node[2])
        if kind == "mat":
            return self.matrix(node[1])
        if kind in {"cup", "cap", "minus"}:
            return self.set_operation(node)
        if kind == "ratio":
            return self.ratio(node[1])
        if kind == "base":
            return f"base{node[2]}:{node[1]}"
        if self.ambiguous and _has(node, "pm"):
            return self.collection([node])
        return self.expression(node)

    def is_expression(self, node: Node) -> bool:
        """Whether a tree has one value at every point."""
        return node[0] in _EXPRESSIONS and not (self.ambiguous and _has(node, "pm"))

    # -- numbers and functions

    def expression(self, node: Node) -> str:
        """Return the key of a tree that has values: a constant or a function."""
        evaluator = self.evaluator
        state = evaluator.varying, evaluator.branchy
        evaluator.varying = evaluator.branchy = evaluator.bent = False
        first = evaluator.at(node, POSITIVE)
        varying, branchy = evaluator.varying, evaluator.branchy
        second = first
        if varying and not is_exact(first):
            second = evaluator.at(node, SECOND if branchy else NEGATIVE)
        elif varying:
            second = evaluator.at(node, NEGATIVE)
        far = self.bends(node, second) if evaluator.bent and varying and not branchy else ""
        evaluator.varying, evaluator.branchy = state
        if far:
            return f"f|:{digits(first)}|{digits(second)}|{far}"
        return (
            self.function_key(first, second, branchy=branchy) if varying else self.constant(first)
        )

    def bends(self, node: Node, second: Number) -> str:
        """Return a digest of a function far from where it is looked at, if its sizes bend it.

        They don't where it goes on as it would with the signs that it has at the first point:
        `|x|^2` is `x^2` everywhere, while `|x+2|` is `x+2` only at the first two points.
        """
        evaluator = self.evaluator
        try:
            values = [evaluator.at(node, point) for point in FAR]
            evaluator.continued = True
            others = [evaluator.at(node, point) for point in (*FAR, NEGATIVE)]
        except Unreadable:
            return ""
        finally:
            evaluator.continued = False
        if all(map(is_close, [*values, second], others)):
            return ""
        return digest("|".join(map(digits, values)))

    def constant(self, value: Number) -> str:
        """Return the key of a number."""
        if isinstance(value, Complex):
            return f"({real_key(value.real)})+({real_key(value.imag)})i"
        return real_key(value) if isinstance(value, Decimal) else number_key(value)

    def function_key(self, first: Number, second: Number, *, branchy: bool) -> str:
        """Return the key of a function by its values at two points."""
        if is_close(first, second):
            return self.constant(first)
        return f"f{'+' if branchy else ''}:{digits(first)}|{digits(second)}"

    # -- collections

    def elements(self, item: Node) -> list[str]:
        """Return the keys of one item of a list: two for a plus-minus."""
        if not self.ambiguous:
            return [self.key(item)]
        if _has(item, "pm") and item[0] not in {"tuple", "rel", "list", "set", "mat"}:
            return [self.key(_choose_sign(item, 1)), self.key(_choose_sign(item, -1))]
        if item[0] == "rel" and _has(item, "pm"):
            return [self.key(_choose_sign(item, 1)), self.key(_choose_sign(item, -1))]
        return [self.key(item)]

    def collection(self, items: list[Node]) -> str:
        """Return the key of a list or a set: its distinct elements in a fixed order."""
        if not items:
            return "{}"
        names = [name_of_assignment(item) for item in items]
        distinct = len(items) > 1 and None not in names and len(set(names)) == len(names)
        if distinct and not are_roots(names):
            pairs = sorted(zip(names, items, strict=True), key=lambda pair: str(pair[0]))
            return "(" + ",".join(self.key(item[2][1]) for _, item in pairs) + ")"
        if len(items) > 1 and items[0][0] in {"rel", "tuple"}:
            described = self.conditions(items)
            if described is not None:
                return described
        keys = sorted({key for item in items for key in self.elements(item)})
        return keys[0] if len(keys) == 1 else "{" + ",".join(keys) + "}"

    def conditions(self, items: list[Node]) -> str | None:
        """Return the key of a list of inequalities or of half-lines, or None for any other.

        Inequalities in one letter hold together; where they can't, and for half-lines, any of
        them does. Those in several letters are told apart by their letters.
        """
        names: list[set[str]] = []
        for item in items:
            if item[0] == "rel" and "=" not in item[1]:
                names.append(letters(item[2]) - {REALS[1]})
            elif item[0] != "tuple" or len(item[1]) != 2 or not any(map(_infinity, item[1])):
                return None
        together = bool(names)
        if together:
            if len(names) < len(items):
                return None
            if any(each != names[0] for each in names):
                keys = (
                    f"{' '.join(sorted(each))}:{self.key(item)}"
                    for each, item in zip(names, items, strict=True)
                )
                return "{" + ",".join(sorted(set(keys))) + "}"
            if len(names[0]) != 1:
                return None
        common, every = [EVERYTHING] if together else [], []
        for item in items:
            each = self.ranges(item)
            if each is None:
                return None
            self.evaluator.spend(len(common) * len(each) + 8 * (len(common) + len(each)))
            common = intersection(common, each)
            every += each
        described = common or union(every)
        return self.ranges_key(described) if common or len(described) == len(every) else None

    def bracketed(self, items: list[Node], opening: str, closing: str) -> str:
        """Return the key of a point, an interval or a matrix in brackets."""
        if all(item[0] == "tuple" and item[2] == "[" for item in items):
            widths = {len(item[1]) for item in items}
            if len(widths) == 1 and len(items) > 1:
                return self.matrix([item[1] for item in items])
        keys = [self.key(item) for item in items]
        if len(keys) == 2:
            return interval_key(opening, keys[0], keys[1], closing)
        return "(" + ",".join(keys) + ")"

    def matrix(self, rows: list[list[Node]]) -> str:
        """Return the key of a matrix."""
        return self.matrix_key([[self.key(cell) for cell in row] for row in rows])

    def matrix_key(self, keys: list[list[str]]) -> str:
        """Return the key of a matrix of keys; a single row or column is a point."""
        if len(keys) == 1 or len(keys[0]) == 1:
            return "(" + ",".join(key for row in keys for key in row) + ")"
        return "mat[" + ";".join(",".join(row) for row in keys) + "]"

    def matrix_expression(self, node: Node) -> str:
        """Return the key of a sum, a product or a power of matrices."""
        evaluator = self.evaluator
        state = evaluator.varying, evaluator.branchy
        evaluator.varying = evaluator.branchy = False
        first = matrix_value(evaluator, node, POSITIVE)
        branchy = evaluator.branchy
        second = matrix_value(evaluator, node, SECOND if branchy else NEGATIVE)
        evaluator.varying, evaluator.branchy = state
        return self.matrix_key(
            [
                [self.function_key(a, b, branchy=branchy) for a, b in zip(row, other, strict=True)]
                for row, other in zip(first, second, strict=True)
            ]
        )

    def set_operation(self, node: Node) -> str:
        """Return the key of a union, an intersection or a difference."""
        ranges = self.ranges(node)
        if ranges is not None:
            return self.ranges_key(ranges)
        kind, left, right = node
        if left[0] in _LIST_KINDS and self.is_expression(right):
            right = ("set", [right])
        if left[0] in _LIST_KINDS and right[0] in _LIST_KINDS:
            a = {key for item in left[1] for key in self.elements(item)}
            b = {key for item in right[1] for key in self.elements(item)}
            chosen = sorted(a | b if kind == "cup" else a & b if kind == "cap" else a - b)
            return chosen[0] if len(chosen) == 1 else "{" + ",".join(chosen) + "}"
        operands = [right]
        while left[0] == kind != "minus":
            operands.append(left[2])
            left = left[1]
        keys = [self.key(operand) for operand in (left, *reversed(operands))]
        return f"{kind}[{';'.join(keys if kind == 'minus' else sorted(set(keys)))}]"

    def ranges(self, node: Node) -> list[Range] | None:
        """Return a set as ranges of real numbers, or None where it is none of constants."""
        kind = node[0]
        if kind == "rel":
            described = as_range(self, node[1], node[2])
            return None if described is None else self.ranges(described)
        if node == REALS:
            return [EVERYTHING]
        if kind in _LIST_KINDS or self.is_expression(node):
            points = [self.real(item) for item in (node[1] if kind in _LIST_KINDS else [node])]
            if None in points:
                return None
            return union(Range(point, True, point, True) for point in points)
        if kind == "tuple" and len(node[1]) == 2:
            ends = [None if _infinity(end) else self.real(end) for end in node[1]]
            known = [
                end is not None or _infinity(item) for end, item in zip(ends, node[1], strict=True)
            ]
            if not all(known) or _infinity(node[1][0]) == "inf" or _infinity(node[1][1]) == "-inf":
                return None
            low, high = ends
            has_low, has_high = (
                node[2] == "[" and low is not None,
                node[3] == "]" and high is not None,
            )
            if low is not None and high is not None and compare(low, high) >= 0:
                return None
            return [Range(low, has_low, high, has_high)]
        if kind not in {"cup", "cap", "minus"}:
            return None
        left, right = self.ranges(node[1]), self.ranges(node[2])
        if left is None or right is None:
            return None
        # An operation compares every pair and sorts what comes out.
        self.evaluator.spend(len(left) * len(right) + 8 * (len(left) + len(right)))
        if kind == "cup":
            return union([*left, *right])
        return intersection(left, right) if kind == "cap" else difference(left, right)

    def real(self, node: Node) -> Number | None:
        """Return the value of a tree, or None if it isn't a real constant."""
        if not self.is_expression(node):
            return None
        evaluator = self.evaluator
        before, evaluator.varying = evaluator.varying, False
        value = evaluator.at(node, POSITIVE)
        varying, evaluator.varying = evaluator.varying, before
        return None if varying or isinstance(value, Complex) else value

    def ranges_key(self, ranges: list[Range]) -> str:
        """Return the key of a union of ranges; one without ranges proper is a finite set."""
        points = [each for each in ranges if each.low is not None and each.low is each.high]
        keys = [
            interval_key(
                "[" if each.has_low else "(",
                "-inf" if each.low is None else self.constant(each.low),
                "inf" if each.high is None else self.constant(each.high),
                "]" if each.has_high else ")",
            )
            for each in ranges
            if each not in points
        ]
        names = sorted(self.constant(each.low) for each in points if each.low is not None)
        if names and not keys:
            return names[0] if len(names) == 1 else "{" + ",".join(names) + "}"
        if names:
            keys.append("{" + ",".join(names) + "}")
        if not keys:
            return "{}"
        return keys[0] if len(keys) == 1 else "cup[" + ";".join(sorted(keys)) + "]"

    def ratio(self, parts: list[Node]) -> str:
        """Return the key of a ratio in lowest terms, or of a time of day."""
        keys = [self.key(part) for part in parts]
        values = [part[1] for part in parts if part[0] == "n"]
        if len(values) == len(parts) and all(
            isinstance(value, int) and value > 0 for value in values
        ):
            hours, minutes = values[0], values[-1]
            if not (len(values) == 2 and hours <= 24 and 10 <= minutes < 60):
                common = gcd(*values)
                keys = [number_key(value // common) for value in values]
        return ":".join(keys)


def _infinity(node: Node) -> str | None:
    if node == _INFINITY:
        return "inf"
    return "-inf" if node == _MINUS_INFINITY else None
