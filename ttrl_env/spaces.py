"""The space of prompts and completions.

- `UnicodeText`: any string up to a length.
"""

from __future__ import annotations

import string
from typing import Any

from gymnasium.error import CustomSpaceError
from gymnasium.spaces import Text
from gymnasium.vector.utils import create_shared_memory

__all__ = ["UnicodeText"]


class UnicodeText(Text):
    """Any string of at most `max_length` characters, in any script, the empty one included.

    `gymnasium.spaces.Text` holds a fixed set of characters, and one with all of Unicode takes
    minutes to batch. Here membership is a matter of length alone; samples are printable ASCII.

    Args:
        max_length: The most characters.
        seed: Seeds `sample`.

    >>> space = UnicodeText(10)
    >>> "π ≤ 22/7" in space, "" in space, "eleven chars" in space
    (True, True, False)
    >>> space
    UnicodeText(10)
    """

    def __init__(self, max_length: int, *, seed: int | None = None) -> None:
        super().__init__(max_length, min_length=0, charset=string.printable, seed=seed)

    def contains(self, x: Any) -> bool:
        """Returns whether `x` is a string that is not too long."""
        return isinstance(x, str) and len(x) <= self.max_length

    @property
    def is_np_flattenable(self) -> bool:
        """False: characters outside of the sampled ones have no number."""
        return False

    def __repr__(self) -> str:
        return f"UnicodeText({self.max_length})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UnicodeText) and self.max_length == other.max_length

    def __hash__(self) -> int:
        return hash((type(self), self.max_length))


@create_shared_memory.register(UnicodeText)
def _refuse_shared_memory(space: UnicodeText, n: int = 1, ctx: Any = None) -> Any:
    # Gymnasium's buffer for Text silently turns characters it does not know into others.
    raise CustomSpaceError(
        f"{space!r} cannot be kept in shared memory. Use the native vector environment of "
        "gym.make_vec, or pass vector_kwargs={'shared_memory': False}."
    )
