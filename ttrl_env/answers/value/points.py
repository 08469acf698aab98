"""The fixed points at which functions are compared, and what letters stand for there.

- `POSITIVE`, `NEGATIVE`, `SECOND`, `FAR`: the points.
- `letter_value`: the value of a letter at one.
"""

from __future__ import annotations

import zlib
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b
from typing import Final

__all__ = ["FAR", "NEGATIVE", "POSITIVE", "SECOND", "letter_value"]

POSITIVE: Final = 0
NEGATIVE: Final = 1
SECOND: Final = 2
FAR: Final = range(3, 8)
"""Points where letters are large and of either sign, for what bends between the others."""


@lru_cache(maxsize=4096)
def letter_value(name: str, point: int) -> Decimal:
    """Returns what a letter stands for: in (0.3, 0.95), (-1.95, -1.05), (1.05, 1.95), or far."""
    seed = f"{point}|{name}".encode("utf-8", "surrogatepass")
    part = Decimal(int.from_bytes(blake2b(seed, digest_size=24).digest(), "big")) / 2**192
    if point == POSITIVE:
        return Decimal("0.3") + part * Decimal("0.65")
    if point in FAR:
        # Any two letters differ in sign at one of the points.
        bits = ord(name) if len(name) == 1 else zlib.crc32(seed[2:])
        size = 100 * (1 + part)
        return size if bits >> (point - FAR.start) & 1 else -size
    value = Decimal("1.05") + part * Decimal("0.9")
    return -value if point == NEGATIVE else value
