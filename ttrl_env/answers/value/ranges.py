"""Sets of real numbers as unions of intervals, for intervals with constant ends.

- `Range`: an interval, a half-line, a point, or all real numbers.
- `union`, `intersection`, `difference`: of lists of ranges; the results are sorted and disjoint.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cmp_to_key
from typing import Final, NamedTuple

from ttrl_env.answers.value.numbers import Number, is_close, is_real, less

__all__ = ["EVERYTHING", "Range", "compare", "difference", "intersection", "union"]


class Range(NamedTuple):
    """The numbers between two ends; an end that is None is infinite."""

    low: Number | None
    has_low: bool
    high: Number | None
    has_high: bool


EVERYTHING: Final = Range(None, False, None, False)


def compare(a: Number, b: Number) -> int:
    """Returns -1, 0 or 1 as `a` is less than, equal to or greater than `b`, both real.

    >>> compare(1, 2)
    -1
    """
    if is_close(a, b):
        return 0
    if is_real(a) and is_real(b):
        return -1 if less(a, b) else 1
    raise ValueError("complex numbers have no order")


def _compare_lows(a: Range, b: Range) -> int:
    """Orders two ranges by where they begin."""
    if a.low is None or b.low is None:
        return (a.low is not None) - (b.low is not None)
    return compare(a.low, b.low) or b.has_low - a.has_low


def _compare_highs(a: Range, b: Range) -> int:
    """Orders two ranges by where they end."""
    if a.high is None or b.high is None:
        return (a.high is None) - (b.high is None)
    return compare(a.high, b.high) or a.has_high - b.has_high


def _touches(a: Range, b: Range) -> bool:
    """Whether `b`, which begins no earlier than `a`, begins where `a` still is or just ends."""
    if a.high is None or b.low is None:
        return True
    order = compare(b.low, a.high)
    return order < 0 or (order == 0 and (a.has_high or b.has_low))


def _is_empty(candidate: Range) -> bool:
    if candidate.low is None or candidate.high is None:
        return False
    order = compare(candidate.low, candidate.high)
    return order > 0 or (order == 0 and not (candidate.has_low and candidate.has_high))


def union(ranges: Iterable[Range]) -> list[Range]:
    """Returns ranges that are sorted, disjoint and apart.

    >>> union([Range(1, True, 3, True), Range(2, False, 5, False)])
    [Range(low=1, has_low=True, high=5, has_high=False)]
    """
    merged: list[Range] = []
    for given in sorted(ranges, key=cmp_to_key(_compare_lows)):
        if _is_empty(given):
            continue
        each = Range(
            given.low,
            given.has_low and given.low is not None,
            given.high,
            given.has_high and given.high is not None,
        )
        if merged and _touches(merged[-1], each):
            last = merged[-1]
            if _compare_highs(last, each) < 0:
                merged[-1] = Range(last.low, last.has_low, each.high, each.has_high)
        else:
            merged.append(each)
    return merged


def intersection(left: Iterable[Range], right: Iterable[Range]) -> list[Range]:
    """Returns what two unions of ranges have in common."""
    others = list(right)
    found = []
    for a in left:
        for b in others:
            start = a if _compare_lows(a, b) >= 0 else b
            end = a if _compare_highs(a, b) <= 0 else b
            found.append(Range(start.low, start.has_low, end.high, end.has_high))
    return union(found)


def difference(left: Iterable[Range], right: Iterable[Range]) -> list[Range]:
    """Returns what is in one union of ranges and not in another."""
    gaps: list[Range] = []
    low: Number | None = None
    has_low = False
    for each in union(right):
        if each.low is not None:
            gaps.append(Range(low, has_low, each.low, not each.has_low))
        if each.high is None:
            return intersection(left, gaps)
        low, has_low = each.high, not each.has_high
    gaps.append(Range(low, has_low, None, False))
    return intersection(left, gaps)
