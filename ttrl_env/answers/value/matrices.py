"""Sums, products and powers of matrices, cell by cell.

- `Matrices`: the cells of trees with matrices in them, at a point.
"""

from __future__ import annotations

from typing import Final

from ttrl_env.answers.formula.tree import Node
from ttrl_env.answers.limits import Unreadable
from ttrl_env.answers.value.evaluator import Evaluator
from ttrl_env.answers.value.numbers import Number

__all__ = ["Cells", "Matrices"]

Cells = list[list[Number]]
_LARGEST_POWER: Final = 64


class Matrices:
    """The cells of trees that are matrices, at a point.

    Args:
        evaluator: The values of cells.
        point: The point.

    Attributes:
        branchy: Whether a cell has been met with a root or a logarithm of letters.
    """

    def __init__(self, evaluator: Evaluator, point: int) -> None:
        self.evaluator = evaluator
        self.point = point
        self.branchy = False

    def cells(self, node: Node) -> Cells:
        """Returns the cells of a tree that is a matrix.

        Raises:
            Unreadable: If it is not one, or the sizes of its parts don't fit.
        """
        value = self._value(node)
        if not isinstance(value, list):
            raise Unreadable("no matrix")
        return value

    def _number(self, node: Node) -> Number:
        sample = self.evaluator.sample(node, self.point)
        self.branchy |= sample.branchy
        return sample.value

    def _value(self, node: Node) -> Cells | Number:
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
                divisor = self._number(bottom)
                return self._product(self._value(top), self.evaluator.quotient(1, divisor))
            case ("^", base, exponent):
                matrix = self._value(base)
                if isinstance(matrix, list):
                    return self._power(matrix, self._number(exponent))
        return self._number(node)

    def _power(self, matrix: Cells, exponent: Number) -> Cells:
        if not isinstance(exponent, int) or not 1 <= exponent <= _LARGEST_POWER:
            raise Unreadable("no small power of a matrix")
        power = matrix
        for _ in range(exponent - 1):
            power = self._matrix_product(power, matrix)
        return power

    def _sum(self, a: Cells | Number, b: Cells | Number) -> Cells | Number:
        evaluator = self.evaluator
        if not isinstance(a, list) and not isinstance(b, list):
            return evaluator.sum([a, b])
        if not isinstance(a, list) or not isinstance(b, list) or _shape(a) != _shape(b):
            raise Unreadable("a sum of unlike matrices")
        evaluator.spend(len(a) * len(a[0]))
        return [
            [evaluator.sum([x, y]) for x, y in zip(row, other, strict=True)]
            for row, other in zip(a, b, strict=True)
        ]

    def _product(self, a: Cells | Number, b: Cells | Number) -> Cells | Number:
        times = self.evaluator.product_of
        if not isinstance(a, list):
            if not isinstance(b, list):
                return times(a, b)
            return [[times(a, cell) for cell in row] for row in b]
        if not isinstance(b, list):
            return [[times(b, cell) for cell in row] for row in a]
        return self._matrix_product(a, b)

    def _matrix_product(self, a: Cells, b: Cells) -> Cells:
        if len(a[0]) != len(b):
            raise Unreadable("a product of matrices that do not fit")
        self.evaluator.spend(3 * len(a) * len(b) * len(b[0]))
        columns = list(zip(*b, strict=True))
        times, add = self.evaluator.product_of, self.evaluator.sum
        return [
            [add([times(x, y) for x, y in zip(row, column, strict=True)]) for column in columns]
            for row in a
        ]


def _shape(cells: Cells) -> tuple[int, int]:
    return len(cells), len(cells[0])
