"""The fixed points at which functions are compared, and what letters stand for there.

- `POSITIVE`, `NEGATIVE`, `SECOND`, `FAR`: the points.
- `letter_value`: the value of a letter at one.
"""

from __future__ import annotations

import zlib
from fractions import Fraction
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from ttrl_env.answers.value.numbers import Inexact, inexact

__all__ = ["FAR", "NEGATIVE", "POSITIVE", "SECOND", "letter_value"]

POSITIVE: Final = 0
NEGATIVE: Final = 1
SECOND: Final = 2
FAR: Final = range(3, 8)
"""Points where letters are large and of either sign, for what bends between the others."""


@lru_cache(maxsize=4096)
def letter_value(name: str, point: int) -> Inexact:
    """Returns what a letter stands for: in (0.3, 0.95), (-1.95, -1.05), (1.05, 1.95), or far."""
    return inexact(_place(name, point))


def _place(name: str, point: int) -> Fraction:
    seed = f"{point}|{name}".encode("utf-8", "surrogatepass")
    part = Fraction(int.from_bytes(blake2b(seed, digest_size=24).digest(), "big"), 2**192)
    if point == POSITIVE:
        return Fraction(3, 10) + part * Fraction(13, 20)
    if point in FAR:
        # Any two letters differ in sign at one of the points.
        order = ord(name) if len(name) == 1 else zlib.crc32(seed[2:])
        size = 100 * (1 + part)
        return size if order >> (point - FAR.start) & 1 else -size
    value = Fraction(21, 20) + part * Fraction(9, 10)
    return -value if point == NEGATIVE else value
