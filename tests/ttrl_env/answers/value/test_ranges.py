"""Sets of real numbers as unions of intervals."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from ttrl_env.answers import answer_key, equivalent
from ttrl_env.answers.value.ranges import EVERYTHING, Range, difference, intersection, union

ENDS = st.none() | st.integers(-5, 5)
RANGES = st.lists(st.builds(Range, ENDS, st.booleans(), ENDS, st.booleans()), max_size=4)
POINTS = [Fraction(n, 2) for n in range(-13, 14)]


def holds(ranges: list[Range], point: Fraction) -> bool:
    """Whether a point lies in a union of ranges, by the definition."""
    return any(
        (r.low is None or r.low < point or (r.low == point and r.has_low))
        and (r.high is None or point < r.high or (r.high == point and r.has_high))
        for r in ranges
    )


@settings(deadline=None)
@given(a=RANGES, b=RANGES)
def test_the_operations_do_what_they_say_at_every_point(a: list[Range], b: list[Range]) -> None:
    for point in POINTS:
        in_a, in_b = holds(a, point), holds(b, point)
        assert holds(union([*a, *b]), point) == (in_a or in_b)
        assert holds(intersection(a, b), point) == (in_a and in_b)
        assert holds(difference(a, b), point) == (in_a and not in_b)


@settings(deadline=None)
@given(a=RANGES)
def test_a_union_has_one_form(a: list[Range]) -> None:
    once = union(a)
    assert union(once) == union(reversed(once)) == once
    assert difference([EVERYTHING], difference([EVERYTHING], once)) == once


def test_answers_use_them() -> None:
    assert equivalent(r"(1,3)\cup(2,5)", "(1,5)")
    assert equivalent(r"[0,2]\cap[1,3]", "[1,2]")
    assert equivalent(r"[0,2]\setminus\{1\}", r"[0,1)\cup(1,2]")
    assert equivalent("|x|<3", "(-3,3)")
    assert equivalent(r"1\le|z|\le2", r"[-2,-1]\cup[1,2]")
    assert not equivalent(r"(1,3)\cup(3,5)", "(1,5)")
    assert answer_key(r"(1,2)\cap(3,4)") == answer_key(r"\emptyset")
    assert equivalent(r"(a,b)\cup(c,d)", r"(c,d)\cup(a,b)")
