"""Values that functions return: compared, described, and what is wrong between two of them.

- `equal`: whether a value is the expected one.
- `describe`: a value in a line or a few.
- `likely_fault`: what is probably wrong, from what was got and what was expected.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["describe", "equal", "likely_fault"]

Pair = tuple[Any, Any]
Numbers = npt.NDArray[np.float64]

_LONGEST = 300


def equal(got: Any, expected: Any, tolerance: float) -> bool:
    """Returns whether a value is the expected one, numbers within a tolerance.

    A list, an array and a tensor with the same numbers are equal; so are a number and an array
    without dimensions.

    Args:
        got: The value.
        expected: What it should be.
        tolerance: The largest relative or absolute difference of numbers.
    """
    if isinstance(expected, Mapping):
        return (
            isinstance(got, Mapping)
            and got.keys() == expected.keys()
            and all(equal(got[key], expected[key], tolerance) for key in expected)
        )
    left, right = _numbers(got), _numbers(expected)
    if left is not None and right is not None:
        return left.shape == right.shape and bool(
            np.allclose(left, right, rtol=tolerance, atol=tolerance, equal_nan=True)
        )
    if left is not None or right is not None:
        return False
    if isinstance(expected, (list, tuple)):
        return (
            isinstance(got, (list, tuple))
            and len(got) == len(expected)
            and all(equal(a, b, tolerance) for a, b in zip(got, expected, strict=True))
        )
    return bool(type(got) is type(expected) and got == expected)


def describe(value: Any) -> str:
    """Returns a value in a line, or an array in a few.

    >>> describe(0.123456789), describe([1, 2]), describe("7")
    ('0.1235', '[1, 2]', "'7'")
    """
    numbers = None if isinstance(value, (str, list, tuple)) else _numbers(value)
    if isinstance(value, float):
        return f"{value:.4g}"
    if numbers is None or isinstance(value, (bool, int)):
        text = _listed(value) if isinstance(value, (list, tuple)) else repr(value)
        return text if len(text) <= _LONGEST else text[:_LONGEST] + " …"
    if numbers.ndim == 0:
        return f"{float(numbers):.4g}"
    with np.printoptions(precision=4, suppress=True, threshold=60, edgeitems=4):
        text = str(np.asarray(value) if isinstance(value, np.ndarray) else numbers)
    return f"{text}   shape {numbers.shape}" if numbers.ndim == 1 else f"{text}\n{numbers.shape}"


def _listed(values: Sequence[Any]) -> str:
    inside = ", ".join(describe(each) for each in values)
    return f"({inside})" if isinstance(values, tuple) else f"[{inside}]"


def likely_fault(pairs: Sequence[Pair], *, tries: int) -> str:
    """Returns what is probably wrong, as a sentence.

    Args:
        pairs: What was got and what was expected, in each case that failed; at least one.
        tries: How many cases there were, those that were right included.
    """
    for find in (_fault_of_type, _fault_of_shape, _fault_of_numbers):
        if fault := find(pairs):
            return fault
    if len(pairs) < tries:
        return f"It is right in {tries - len(pairs)} of {tries} tries. One where it is not:"
    return "The result differs from the expected one."


def _fault_of_type(pairs: Sequence[Pair]) -> str:
    got, expected = pairs[0]
    if got is None and expected is not None:
        return "It returns None. Is there a `return` on every way through the function?"
    if callable(got) and not callable(expected):
        return "It returns a function. Did you leave out the brackets of a call?"
    if _numbers(expected) is not None and _numbers(got) is None:
        return f"It returns a {type(got).__name__}; numbers are asked for."
    if _numbers(expected) is None and type(got) is not type(expected):
        return f"It returns a {type(got).__name__}; a {type(expected).__name__} is asked for."
    return ""


def _fault_of_shape(pairs: Sequence[Pair]) -> str:
    for got, expected in pairs:
        have, want = _shape(got), _shape(expected)
        if have == want:
            continue
        if len(want) > 1 and have == want[::-1]:
            return f"Its shape is {have}, not {want}: rows and columns are swapped."
        if len(have) == len(want) == 1 and abs(have[0] - want[0]) == 1:
            few = "one too few" if have[0] < want[0] else "one too many"
            return f"It returns {have[0]} values, not {want[0]}: {few} (off by one?)."
        if not want:
            return f"It returns an array of shape {have}; a single number is asked for."
        if not have:
            return f"It returns a single number; an array of shape {want} is asked for."
        return f"Its shape is {have}, not {want}."
    return ""


def _fault_of_numbers(pairs: Sequence[Pair]) -> str:
    numbers: list[tuple[Numbers, Numbers]] = []
    for one, other in pairs:
        a, b = _numbers(one), _numbers(other)
        if a is None or b is None or not b.size:
            return ""
        numbers.append((a, b))
    got = np.concatenate([np.ravel(each) for each, _ in numbers])
    expected = np.concatenate([np.ravel(each) for _, each in numbers])
    if np.isnan(got).any() and not np.isnan(expected).any():
        return (
            "Some of the numbers are NaN: a division by 0, a logarithm of 0, or the `exp` of a "
            "large number?"
        )
    if np.isinf(got).any() and not np.isinf(expected).any():
        return (
            "Some of the numbers are infinite: a division by 0, a logarithm of 0, or the `exp` of "
            "a large number?"
        )
    if _close(got, -expected):
        return "The sign is the wrong way round."
    for says, transformed in _TRANSFORMED:
        with np.errstate(all="ignore"):
            if _close(got, transformed(expected)):
                return says
    if all(_reversed(a, b) for a, b in numbers):
        return "The numbers are right, in reverse order."
    return _fault_of_scale(got, expected)


def _fault_of_scale(got: Numbers, expected: Numbers) -> str:
    differences = got - expected
    if got.size > 1 and _close(differences, np.full_like(got, differences[0])):
        amount = abs(differences[0])
        word = "large" if differences[0] > 0 else "small"
        hint = " (off by one?)" if math.isclose(amount, 1, rel_tol=1e-6) else ""
        return f"Every number is too {word} by {amount:.4g}{hint}."
    rows = np.abs(expected) > 1e-9
    if rows.sum() > 1 and np.allclose(got[~rows], 0, atol=1e-7):
        factors = got[rows] / expected[rows]
        if _close(factors, np.full_like(factors, factors[0])):
            return f"Every number is {factors[0]:.4g} times what it should be."
    return ""


_TRANSFORMED: tuple[tuple[str, Callable[[Numbers], Numbers]], ...] = (
    ("This is a probability; its logarithm is asked for.", np.exp),
    ("This is the logarithm; the number itself is asked for.", np.log),
    ("This is a logarithm to base 2; the natural logarithm is asked for.", lambda x: x / np.log(2)),
    ("This is 1 minus what is asked for.", lambda x: 1 - x),
    ("This is the square of what is asked for.", np.square),
    ("This is the square root of what is asked for.", np.sqrt),
)


def _reversed(got: Numbers, expected: Numbers) -> bool:
    return got.ndim > 0 and _close(got[::-1], expected)


def _close(a: Numbers, b: Numbers) -> bool:
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-5, atol=1e-7))


def _shape(value: Any) -> tuple[int, ...]:
    numbers = _numbers(value)
    if numbers is not None:
        return numbers.shape
    return (len(value),) if isinstance(value, (list, tuple)) else ()


def _numbers(value: Any) -> Numbers | None:
    """Returns a value as an array of numbers, or `None` where it is not one."""
    if hasattr(value, "detach"):  # a tensor of PyTorch
        value = value.detach().cpu().numpy()
    if isinstance(value, (list, tuple)):
        found = [_numbers(each) for each in value]
        parts = [part for part in found if part is not None]
        if len(parts) < len(found) or len({part.shape for part in parts}) > 1:
            return None
        return np.array(parts, dtype=np.float64)
    if isinstance(value, (bool, int, float, np.ndarray, np.generic)):
        array = np.asarray(value)
        if array.dtype.kind in "biuf":
            return array.astype(np.float64)
    return None
