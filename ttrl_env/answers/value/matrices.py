"""Sums, products and powers of matrices, cell by cell.

- `Matrices`: the cells of trees with matrices in them, as trees.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from ttrl_env.answers.formula.tree import Node
from ttrl_env.answers.limits import MAX_CELLS, Unreadable
from ttrl_env.answers.value.evaluator import Evaluator
from ttrl_env.answers.value.points import POSITIVE

__all__ = ["Cells", "Matrices"]

Cells: TypeAlias = list[list[Node]]
_LARGEST_POWER: Final = 64
_LARGEST_CELL: Final = 4 * MAX_CELLS
"""Sums and products of one cell that has letters; numbers are computed at once."""


class Matrices:
    """The cells of trees that are matrices.

    Args:
        evaluator: The values of cells without letters.
    """

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self.sizes: dict[int, tuple[Node, int]] = {}

    def cells(self, node: Node) -> Cells:
        """Returns the cells of a tree that is a matrix.

        Raises:
            Unreadable: If it is not one, or the sizes of its parts don't fit.
        """
        value = self._value(node)
        if not isinstance(value, list):
            raise Unreadable("not a matrix")
        return value

    def _value(self, node: Node) -> Cells | Node:
        match node:
            case ("mat", rows):
                return [[self._number(cell) for cell in row] for row in rows]
            case ("tuple", items, "(", ")"):
                return [[self._number(cell)] for cell in items]
            case ("+", [first, *terms]):
                total = self._value(first)
                for term in terms:
                    total = self._sum(total, self._value(term))
                return total
            case ("*", [first, *factors]):
                product = self._value(first)
                for factor in factors:
                    product = self._product(product, self._value(factor))
                return product
            case ("/", top, bottom):
                divisor: Node = ("/", ("n", 1), bottom)
                return self._product(self._value(top), self._number(divisor))
            case ("^", base, exponent):
                matrix = self._value(base)
                if isinstance(matrix, list):
                    return self._power(matrix, self._number(exponent))
        return self._number(node)

    def _number(self, node: Node) -> Node:
        """Returns a cell: its value, where it has no letters."""
        if node[0] == "n":
            return node
        sample = self.evaluator.sample(node, POSITIVE)
        return node if sample.varying else _number(sample.value)

    def _power(self, matrix: Cells, exponent: Node) -> Cells:
        count = exponent[1]
        if exponent[0] != "n" or not isinstance(count, int) or not 1 <= count <= _LARGEST_POWER:
            raise Unreadable("not a small power of a matrix")
        power = matrix
        for _ in range(count - 1):
            power = self._matrix_product(power, matrix)
        return power

    def _sum(self, a: Cells | Node, b: Cells | Node) -> Cells | Node:
        if not isinstance(a, list) and not isinstance(b, list):
            return self._add([a, b])
        if not isinstance(a, list) or not isinstance(b, list) or _shape(a) != _shape(b):
            raise Unreadable("a sum of unlike matrices")
        self.evaluator.spend(len(a) * len(a[0]))
        return [
            [self._add([x, y]) for x, y in zip(row, other, strict=True)]
            for row, other in zip(a, b, strict=True)
        ]

    def _product(self, a: Cells | Node, b: Cells | Node) -> Cells | Node:
        if not isinstance(a, list):
            if not isinstance(b, list):
                return self._times(a, b)
            return [[self._times(a, cell) for cell in row] for row in b]
        if not isinstance(b, list):
            return [[self._times(b, cell) for cell in row] for row in a]
        return self._matrix_product(a, b)

    def _matrix_product(self, a: Cells, b: Cells) -> Cells:
        if len(a[0]) != len(b):
            raise Unreadable("a product of matrices that do not fit")
        self.evaluator.spend(3 * len(a) * len(b) * len(b[0]))
        columns = list(zip(*b, strict=True))
        return [
            [
                self._add([self._times(x, y) for x, y in zip(row, column, strict=True)])
                for column in columns
            ]
            for row in a
        ]

    # -- cells, of which numbers are computed at once

    def _times(self, a: Node, b: Node) -> Node:
        if _is_number(a) and _is_number(b):
            return _number(self.evaluator.product_of(a[1], b[1]))
        if a == ("n", 0) or b == ("n", 0):
            return ("n", 0)
        return self._bounded(("*", [a, b]))

    def _add(self, terms: list[Node]) -> Node:
        known = [term for term in terms if _is_number(term)]
        others = [term for term in terms if not _is_number(term)]
        total = _number(self.evaluator.sum([term[1] for term in known]))
        if not others:
            return total
        return self._bounded(("+", [*others, total]))

    def _bounded(self, node: Node) -> Node:
        """Returns a cell unless it is too large: products of products double each time."""
        size = 1 + sum(self.sizes[id(part)][1] if id(part) in self.sizes else 1 for part in node[1])
        if size > _LARGEST_CELL:
            raise Unreadable("too large a cell")
        # The tree is kept with its size: an identity may only be reused once it is free.
        self.sizes[id(node)] = (node, size)
        return node


def _number(value: object) -> Node:
    return ("v" if isinstance(value, tuple) else "n", value)


def _is_number(node: Node) -> bool:
    return node[0] in {"n", "v"}


def _shape(cells: Cells) -> tuple[int, int]:
    return len(cells), len(cells[0])
