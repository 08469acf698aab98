"""Sums, products and powers of matrices, cell by cell.

- `matrix_value`: the cells of a tree with matrices in it, at a point.
"""

from __future__ import annotations

from typing import Final

from ttrl_env.answers.formula.parser import Node
from ttrl_env.answers.limits import Unreadable
from ttrl_env.answers.value.evaluator import Evaluator, Number

__all__ = ["Cells", "matrix_value"]

Cells = list[list[Number]]
_LARGEST_POWER: Final = 64


def matrix_value(evaluator: Evaluator, node: Node, point: int) -> Cells:
    """Return the cells of a tree that is a matrix.

    Raises:
        Unreadable: If it is none, or the sizes of its parts don't fit.
    """
    value = _value(evaluator, node, point)
    if not isinstance(value, list):
        raise Unreadable("no matrix")
    return value


def _value(evaluator: Evaluator, node: Node, point: int) -> Cells | Number:
    kind = node[0]
    if kind == "mat":
        return [[evaluator.at(cell, point) for cell in row] for row in node[1]]
    if kind == "tuple" and node[2:] == ("(", ")"):
        return [[evaluator.at(cell, point)] for cell in node[1]]
    if kind == "+":
        total = _value(evaluator, node[1][0], point)
        for term in node[1][1:]:
            total = _sum(evaluator, total, _value(evaluator, term, point))
        return total
    if kind == "*":
        product = _value(evaluator, node[1][0], point)
        for factor in node[1][1:]:
            product = _product(evaluator, product, _value(evaluator, factor, point))
        return product
    if kind == "/":
        divisor = evaluator.at(node[2], point)
        return _product(
            evaluator, _value(evaluator, node[1], point), evaluator.quotient(1, divisor)
        )
    if kind == "^":
        base = _value(evaluator, node[1], point)
        exponent = evaluator.at(node[2], point)
        if isinstance(base, list):
            if not isinstance(exponent, int) or not 1 <= exponent <= _LARGEST_POWER:
                raise Unreadable("no small power of a matrix")
            power: Cells | Number = base
            for _ in range(exponent - 1):
                power = _product(evaluator, power, base)
            return power
    return evaluator.at(node, point)


def _sum(evaluator: Evaluator, a: Cells | Number, b: Cells | Number) -> Cells | Number:
    if not isinstance(a, list) and not isinstance(b, list):
        return evaluator.sum([a, b])
    if not isinstance(a, list) or not isinstance(b, list) or _shape(a) != _shape(b):
        raise Unreadable("a sum of unlike matrices")
    evaluator.spend(len(a) * len(a[0]))
    return [
        [evaluator.sum([x, y]) for x, y in zip(row, other, strict=True)]
        for row, other in zip(a, b, strict=True)
    ]


def _product(evaluator: Evaluator, a: Cells | Number, b: Cells | Number) -> Cells | Number:
    if not isinstance(a, list):
        if not isinstance(b, list):
            return evaluator.product_of(a, b)
        return [[evaluator.product_of(a, cell) for cell in row] for row in b]
    if not isinstance(b, list):
        return [[evaluator.product_of(b, cell) for cell in row] for row in a]
    if len(a[0]) != len(b):
        raise Unreadable("a product of matrices that do not fit")
    evaluator.spend(3 * len(a) * len(b) * len(b[0]))
    columns = list(zip(*b, strict=True))
    return [
        [
            evaluator.sum([evaluator.product_of(x, y) for x, y in zip(row, column, strict=True)])
            for column in columns
        ]
        for row in a
    ]


def _shape(cells: Cells) -> tuple[int, int]:
    return len(cells), len(cells[0])
