"""The keys of sets: unions, differences, and inequalities that describe ranges.

- `set_operation`: the key of a union, an intersection or a difference.
- `conditions`: the key of a list of inequalities.
- `ranges_of`: a set as ranges of real numbers.
"""

from __future__ import annotations

from typing import Final

from ttrl_env.answers.formula.names import letters
from ttrl_env.answers.formula.tree import REALS, Node
from ttrl_env.answers.key.expressions import Expressions, infinity
from ttrl_env.answers.key.relations import as_range
from ttrl_env.answers.key.writing import interval_key
from ttrl_env.answers.value.ranges import (
    EVERYTHING,
    Range,
    compare,
    difference,
    intersection,
    union,
)

__all__ = ["LIST_KINDS", "conditions", "ranges_of", "set_operation"]

LIST_KINDS: Final = frozenset({"list", "set"})


def conditions(canon: Expressions, items: list[Node]) -> str | None:
    """Returns the key of a list of inequalities or of half-lines, or None for any other.

    Inequalities in one letter hold together; where they can't, and for half-lines, any of
    them does. Those in several letters are told apart by their letters.
    """
    names: list[set[str]] = []
    for item in items:
        if item[0] == "rel" and "=" not in item[1]:
            names.append(letters(item[2]) - {REALS[1]})
        elif item[0] != "tuple" or len(item[1]) != 2 or not any(map(infinity, item[1])):
            return None
    together = bool(names)
    if together:
        if len(names) < len(items):
            return None
        if any(each != names[0] for each in names):
            keys = (
                f"{' '.join(sorted(each))}:{canon.key(item)}"
                for each, item in zip(names, items, strict=True)
            )
            return "{" + ",".join(sorted(set(keys))) + "}"
        if len(names[0]) != 1:
            return None
    common, every = [EVERYTHING] if together else [], []
    for item in items:
        each = ranges_of(canon, item)
        if each is None:
            return None
        canon.evaluator.spend(len(common) * len(each) + 8 * (len(common) + len(each)))
        common = intersection(common, each)
        every += each
    described = common or union(every)
    return ranges_key(canon, described) if common or len(described) == len(every) else None


def set_operation(canon: Expressions, node: Node) -> str:
    """Returns the key of a union, an intersection or a difference."""
    ranges = ranges_of(canon, node)
    if ranges is not None:
        return ranges_key(canon, ranges)
    kind, left, right = node
    if left[0] in LIST_KINDS and canon.is_expression(right):
        right = ("set", [right])
    if left[0] in LIST_KINDS and right[0] in LIST_KINDS:
        a = {key for item in left[1] for key in canon.elements(item)}
        b = {key for item in right[1] for key in canon.elements(item)}
        chosen = sorted(a | b if kind == "cup" else a & b if kind == "cap" else a - b)
        return chosen[0] if len(chosen) == 1 else "{" + ",".join(chosen) + "}"
    operands = [right]
    while left[0] == kind != "minus":
        operands.append(left[2])
        left = left[1]
    keys = [canon.key(operand) for operand in (left, *reversed(operands))]
    return f"{kind}[{';'.join(keys if kind == 'minus' else sorted(set(keys)))}]"


def ranges_of(canon: Expressions, node: Node) -> list[Range] | None:
    """Returns a set as ranges of real numbers, or None where it is none of constants."""
    kind = node[0]
    if kind == "rel":
        described = as_range(canon, node[1], node[2])
        return None if described is None else ranges_of(canon, described)
    if node == REALS:
        return [EVERYTHING]
    if kind in LIST_KINDS or canon.is_expression(node):
        points = [canon.real(item) for item in (node[1] if kind in LIST_KINDS else [node])]
        if None in points:
            return None
        return union(Range(point, True, point, True) for point in points)
    if kind == "tuple" and len(node[1]) == 2:
        ends = [None if infinity(end) else canon.real(end) for end in node[1]]
        known = [end is not None or infinity(item) for end, item in zip(ends, node[1], strict=True)]
        if not all(known) or infinity(node[1][0]) == "inf" or infinity(node[1][1]) == "-inf":
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
    left, right = ranges_of(canon, node[1]), ranges_of(canon, node[2])
    if left is None or right is None:
        return None
    # An operation compares every pair and sorts what comes out.
    canon.evaluator.spend(len(left) * len(right) + 8 * (len(left) + len(right)))
    if kind == "cup":
        return union([*left, *right])
    return intersection(left, right) if kind == "cap" else difference(left, right)


def ranges_key(canon: Expressions, ranges: list[Range]) -> str:
    """Returns the key of a union of ranges; one without ranges proper is a finite set."""
    points = [each for each in ranges if each.low is not None and each.low is each.high]
    keys = [
        interval_key(
            "[" if each.has_low else "(",
            "-inf" if each.low is None else canon.constant(each.low),
            "inf" if each.high is None else canon.constant(each.high),
            "]" if each.has_high else ")",
        )
        for each in ranges
        if each not in points
    ]
    names = sorted(canon.constant(each.low) for each in points if each.low is not None)
    if names and not keys:
        return names[0] if len(names) == 1 else "{" + ",".join(names) + "}"
    if names:
        keys.append("{" + ",".join(names) + "}")
    if not keys:
        return "{}"
    return keys[0] if len(keys) == 1 else "cup[" + ";".join(sorted(keys)) + "]"
