r"""Expression trees: nested tuples, the first item of which names the kind.

- `Node`: the type of a tree.
- `REALS`, `HALVES`: the trees of the set of all real numbers and of parts of it.
- `letter`, `negated`, `product`, `quotient`, `listed`, `small_number`, `named_point`: build trees.
- `has_letters`, `is_inequality`: what may be asked of one.

Kinds: `n` (exact number), `~` (a printed float), `x` (letter), `c` (constant), `+` `*` (lists
of operands), `/` `^` `root`, `pm`, `deg`, `f` (function, known or not), `rel`, `ratio`,
`list` (separated answers), `tuple` (with its brackets), `set`, `cup` `cap` `minus`, `mat`, `det`,
`base` (a numeral with its base). Later stages add `v` (a computed number). Nothing here computes.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from ttrl_env.answers.formula.vocabulary import CONSTANTS
from ttrl_env.answers.limits import MAX_DIGITS, Unreadable

__all__ = [
    "HALVES",
    "REALS",
    "Node",
    "has_letters",
    "is_inequality",
    "letter",
    "listed",
    "named_point",
    "negated",
    "product",
    "quotient",
    "small_number",
]

Node: TypeAlias = tuple[Any, ...]

REALS: Final = ("x", "mathbb R")
"""The set of all real numbers, as the parser reads it."""
HALVES: Final[dict[str, Node]] = {
    "+": ("tuple", [("n", 0), ("c", "inf")], "(", ")"),
    ">0": ("tuple", [("n", 0), ("c", "inf")], "(", ")"),
    **{
        sign + "0": ("tuple", [("n", 0), ("c", "inf")], "[", ")")
        for sign in (">=", "ge", "geq", "geqslant")
    },
}
"""Parts of the real numbers, by what is written above or below their sign."""


def named_point(node: Node) -> Node:
    """Returns `P(1,2)` as a point with a name, and any other product as it is."""
    factors = node[1]
    name, point = factors[0], factors[-1]
    if len(factors) == 2 and point[0] == "tuple" and name[0] == "x" and name[1][0].isupper():
        return ("rel", ["="], factors)
    return node


def small_number(digits: str) -> int:
    """Returns the integer of a short run of digits."""
    if len(digits) > MAX_DIGITS:
        raise Unreadable("too many digits")
    return int(digits)


def letter(name: str) -> Node:
    """Returns a letter, or the constant of that name."""
    constant = CONSTANTS.get(name)
    return ("c", constant) if constant else ("x", name)


def negated(node: Node) -> Node:
    """Returns minus a tree."""
    if node[0] == "n":
        return ("n", -node[1])
    return ("*", [("n", -1), node])


def product(factors: list[Node]) -> Node:
    """Returns a product of one or more factors."""
    return factors[0] if len(factors) == 1 else ("*", factors)


def has_letters(node: Any) -> bool:
    """Returns whether a letter or the imaginary unit stands in a tree."""
    if isinstance(node, tuple):
        return bool(node) and (
            node[0] == "x" or node == ("c", "i") or any(map(has_letters, node[1:]))
        )
    return isinstance(node, list) and any(map(has_letters, node))


def is_inequality(node: Node) -> bool:
    """Returns whether a tree is a chain of relations without an equals sign, or a union."""
    return node[0] in {"rel", "cup"} and (node[0] == "cup" or not {"=", "~"} & set(node[1]))


def quotient(factors: list[Node], divisors: list[Node]) -> Node:
    """Returns a product over another, which may have no factors."""
    if not divisors:
        return product(factors)
    return ("/", product(factors), product(divisors))


def listed(items: list[Node]) -> Node:
    """Returns a list of answers; a single one stands for itself."""
    if not items:
        raise Unreadable("nothing")
    return items[0] if len(items) == 1 else ("list", items)
