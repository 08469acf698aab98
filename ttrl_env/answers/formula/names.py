r"""What in an answer only gives its value a name.

- `is_name`: whether a tree is a name.
- `name_of_assignment`: the name that `x = 5` or `f(2) = 5` gives to five.
- `are_roots`: whether names such as `x_1` and `x_2` only number the values of one unknown.
- `is_separate`: whether a name does not occur in what it names.
- `letters`: the letters of a tree.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from ttrl_env.answers.formula.tree import Node

__all__ = ["are_roots", "is_name", "is_separate", "letters", "name_of_assignment"]

_NUMBERED: Final = re.compile(r"\('x', '([txz])_\d+'\)")


def letters(node: Any, found: set[str] | None = None) -> set[str]:
    """Returns the names of the letters in a tree."""
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


def is_name(node: Node) -> bool:
    """Returns whether a tree only names something: `x`, `f(x)`, `AB`, `NO/BO`, `(p, q)`, `|AB|`."""
    kind = node[0]
    if kind == "x":
        return True
    if kind == "f":
        name = node[1].removesuffix("^-1").strip("'")
        return (len(name) == 1 and name.isalpha()) or (
            name in {"abs", "det", "max", "min"} and len(node[2]) == 1 and is_name(node[2][0])
        )
    if kind == "*":
        first, *others = node[1]
        if first[0] != "x":
            return False
        if all(factor[0] == "x" and factor[1][0].isupper() for factor in node[1]):
            return True
        if len(first[1]) > 3:
            return all(factor[0] == "n" or is_name(factor) for factor in others)
        other = others[0]
        return len(others) == 1 and (
            (first[1][0].isupper() and other[0] in {"x", "n", "tuple"})
            or (first[1] == "m" and other[0] == "x" and other[1].startswith("angle"))
        )
    if kind == "^":  # the inverse of a matrix
        return bool(node[1][0] == "x" and node[1][1][0].isupper() and node[2] == ("n", -1))
    if kind == "/":
        return is_name(node[1]) and is_name(node[2])
    if kind in {"tuple", "ratio"}:
        return all(map(is_name, node[1]))
    return False


def is_separate(parts: list[Node]) -> bool:
    """Returns whether the name on the left does not occur on the right."""
    left = parts[0]
    if left[0] == "x":
        return left[1] not in letters(list(parts[1:]))
    return True


def name_of_assignment(item: Node) -> str | None:
    """Returns the name that an equation gives to its right-hand side, if that is all it does."""
    if item[0] != "rel" or item[1] != ["="] or not is_name(item[2][0]):
        return None
    return repr(item[2][0])


def are_roots(names: Sequence[str | None]) -> bool:
    """Returns whether names number the values of one unknown, as roots are numbered."""
    found = [_NUMBERED.fullmatch(name or "") for name in names]
    return all(found) and len({match[1] for match in found if match}) == 1
