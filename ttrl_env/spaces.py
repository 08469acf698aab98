"""The space of prompts and completions.

- `UnicodeText`: any string up to a length.
"""

from __future__ import annotations

import string
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium.error import CustomSpaceError
from gymnasium.spaces import Box, Text
from gymnasium.spaces.utils import flatdim, flatten, flatten_space, unflatten
from gymnasium.vector.utils import create_shared_memory

__all__ = ["UnicodeText"]

_LONGEST_SAMPLE = 64
_PADDING = -1


class UnicodeText(Text):
    """Any string of at most `max_length` characters, in any script, the empty one included.

    `gymnasium.spaces.Text` holds a fixed set of characters, and one with all of Unicode takes
    minutes to batch. Here membership is a matter of length alone, so that any text a byte-level
    decoder can produce is a member, lone surrogates included. Samples are printable ASCII of at
    most 64 characters, whatever `max_length` is. Flattened, a text is its code points, padded
    with -1.

    Args:
        max_length: The most characters, 1 or more.
        seed: Seeds `sample`.

    Raises:
        ValueError: `max_length` is less than 1.

    >>> space = UnicodeText(10)
    >>> "π ≤ 22/7" in space, "" in space, "eleven chars" in space
    (True, True, False)
    >>> space
    UnicodeText(10)
    """

    def __init__(self, max_length: int, *, seed: int | None = None) -> None:
        if max_length < 1:
            raise ValueError(f"max_length must be 1 or more, not {max_length}")
        super().__init__(max_length, min_length=0, charset=string.printable, seed=seed)

    def contains(self, x: Any) -> bool:
        """Returns whether `x` is a string that is not too long."""
        return isinstance(x, str) and len(x) <= self.max_length

    def sample(self, mask: Any = None, probability: Any = None) -> str:
        """Returns printable text, of a length from 0 to 64 unless `mask` names another."""
        if mask is None and probability is None:
            # A megabyte of noise from each of hundreds of sub-environments helps nobody.
            longest = min(self.max_length, _LONGEST_SAMPLE)
            mask = (int(self.np_random.integers(longest + 1)), None)
        return super().sample(mask, probability)

    def __reduce__(self) -> tuple[Any, ...]:
        # Gymnasium copies a space for each sub-environment: the table of characters stays out.
        return type(self), (self.max_length,), self._np_random

    def __setstate__(self, state: Any) -> None:
        self._np_random = state

    def __repr__(self) -> str:
        return f"UnicodeText({self.max_length})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UnicodeText) and self.max_length == other.max_length

    def __hash__(self) -> int:
        return hash((type(self), self.max_length))


@create_shared_memory.register(UnicodeText)
def _refuse_shared_memory(space: UnicodeText, *_: Any, **__: Any) -> Any:
    # Gymnasium's buffer for Text silently turns characters it does not know into others.
    raise CustomSpaceError(
        f"{space!r} cannot be kept in shared memory. Use the native vector environment of "
        "gym.make_vec, or pass vector_kwargs={'shared_memory': False}."
    )


# Gymnasium numbers the characters that Text samples, and has no number for any other.


@flatdim.register(UnicodeText)
def _flat_length(space: UnicodeText) -> int:
    return space.max_length


@flatten_space.register(UnicodeText)
def _flat_space(space: UnicodeText) -> Box:
    return Box(_PADDING, 0x10FFFF, (space.max_length,), np.int32)


# mypy does not fit Space[str] to the Space[T] of the two that follow.


@flatten.register(UnicodeText)
def _to_code_points(  # type: ignore[misc]
    space: UnicodeText, x: str
) -> npt.NDArray[np.int32]:
    flat = np.full(space.max_length, _PADDING, dtype=np.int32)
    flat[: len(x)] = np.frombuffer(x.encode("utf-32-le", "surrogatepass"), dtype="<i4")
    return flat


@unflatten.register(UnicodeText)
def _from_code_points(  # type: ignore[misc]
    _: UnicodeText, x: npt.NDArray[np.int32]
) -> str:
    text: str = x[x != _PADDING].astype("<i4").tobytes().decode("utf-32-le", "surrogatepass")
    return text
