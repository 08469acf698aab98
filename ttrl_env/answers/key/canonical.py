r"""The canonical key of an expression tree.

- `canonical_key`: the key of a tree.
- `Canonicaliser`: computes one.

A key is a short string. Two trees have the same key when they denote the same thing: the same
rational number; constants that agree to twelve decimals; functions that agree to 27 digits at
two fixed points; tuples, sets, intervals, matrices and relations of such.
"""

from __future__ import annotations

from math import gcd

from ttrl_env.answers.formula.names import are_roots, name_of_assignment
from ttrl_env.answers.formula.tree import REALS, Node
from ttrl_env.answers.key.expressions import EXPRESSIONS, Expressions, has_kind, infinity
from ttrl_env.answers.key.relations import relation_key
from ttrl_env.answers.key.sets import LIST_KINDS, conditions, set_operation
from ttrl_env.answers.key.writing import bounded, interval_key, number_key
from ttrl_env.answers.limits import Unreadable
from ttrl_env.answers.value.matrices import Matrices

__all__ = ["Canonicaliser", "canonical_key"]


def canonical_key(tree: Node, *, ambiguous: bool = True) -> str:
    """Returns the key of a tree.

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
    canon = Canonicaliser(ambiguous=ambiguous and has_kind(tree, "pm"))
    try:
        return canon.key(tree)
    except (ArithmeticError, ValueError) as error:
        raise Unreadable(f"no value: {error}") from error
    finally:
        # The two refer to each other; parted, they are freed at once.
        del canon.evaluator


class Canonicaliser(Expressions):
    """The key of one tree.

    Args:
        ambiguous: Whether there is a plus-minus in the tree.

    The keys of subtrees are remembered, so that the cost stays linear in the tree.
    """

    def __init__(self, *, ambiguous: bool) -> None:
        super().__init__(ambiguous=ambiguous)
        self.known: dict[int, tuple[Node, str]] = {}

    def key(self, node: Node) -> str:
        """Returns the key of `node`.

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
        """Returns the key of a tree by its kind."""
        kind = node[0]
        if kind in EXPRESSIONS:
            infinite = infinity(node) if kind == "c" or kind == "*" else None
            if infinite:
                return infinite
            if kind == "x" and node == REALS:
                return "(-inf,inf)"
            if self.ambiguous and has_kind(node, "pm"):
                return self.collection([node])
            try:
                return self.expression(node)
            except Unreadable:
                if not has_kind(node, "mat") and not has_kind(node, "tuple"):
                    raise
                return self.matrix_expression(node)
        if kind in LIST_KINDS:
            return self.collection(node[1])
        if kind == "tuple":
            return self.bracketed(node[1], node[2], node[3])
        if kind == "rel":
            return relation_key(self, node[1], node[2])
        if kind == "mat":
            return self.matrix(node[1])
        if kind in {"cup", "cap", "minus"}:
            return set_operation(self, node)
        if kind == "ratio":
            return self.ratio(node[1])
        if kind == "base":
            return f"base{node[2]}:{node[1]}"
        if self.ambiguous and has_kind(node, "pm"):
            return self.collection([node])
        return self.expression(node)

    def collection(self, items: list[Node]) -> str:
        """Returns the key of a list or a set: its distinct elements in a fixed order."""
        if not items:
            return "{}"
        names = [name_of_assignment(item) for item in items]
        distinct = len(items) > 1 and None not in names and len(set(names)) == len(names)
        if distinct and not are_roots(names):
            pairs = sorted(zip(names, items, strict=True), key=lambda pair: str(pair[0]))
            return "(" + ",".join(self.key(item[2][1]) for _, item in pairs) + ")"
        if len(items) > 1 and items[0][0] in {"rel", "tuple"}:
            described = conditions(self, items)
            if described is not None:
                return described
        keys = sorted({key for item in items for key in self.elements(item)})
        return keys[0] if len(keys) == 1 else "{" + ",".join(keys) + "}"

    def bracketed(self, items: list[Node], opening: str, closing: str) -> str:
        """Returns the key of a point, an interval or a matrix in brackets."""
        if all(item[0] == "tuple" and item[2] == "[" for item in items):
            widths = {len(item[1]) for item in items}
            if len(widths) == 1 and len(items) > 1:
                return self.matrix([item[1] for item in items])
        keys = [self.key(item) for item in items]
        if len(keys) == 2:
            return interval_key(opening, keys[0], keys[1], closing)
        return "(" + ",".join(keys) + ")"

    def matrix(self, rows: list[list[Node]]) -> str:
        """Returns the key of a matrix; a single row or column is a point."""
        keys = [[self.key(cell) for cell in row] for row in rows]
        if len(keys) == 1 or len(keys[0]) == 1:
            return "(" + ",".join(key for row in keys for key in row) + ")"
        return "mat[" + ";".join(",".join(row) for row in keys) + "]"

    def matrix_expression(self, node: Node) -> str:
        """Returns the key of a sum, a product or a power of matrices."""
        return self.matrix(Matrices(self.evaluator).cells(node))

    def ratio(self, parts: list[Node]) -> str:
        """Returns the key of a ratio in lowest terms, or of a time of day."""
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
