"""Words after a number: whether they are its unit, and by how much they scale it.

- `scale_of`: the power of ten that words such as `million` or `万元` begin with.
- `is_foreign_unit`: whether a word in letters that no formula has is a unit.
"""

from __future__ import annotations

import re
from typing import Final

from ttrl_env.answers.formula.vocabulary import SCALE_BEGINNINGS, SCALES

__all__ = ["is_foreign_unit", "scale_of"]

_UNIT_BEGINNINGS: Final = re.compile(r"千[克米瓦卡帕]|百分|兆[瓦赫]|천천|백분")
"""Units that begin as a scale does: a kilogram is no thousand of anything."""
_TIMES: Final = frozenset(
    {"月", "月份", "点", "點", "时", "時", "日", "号", "號", "월", "일", "시"}
)
"""After a number these say which month, day or hour is meant."""
_PARTS: Final = re.compile(
    r"[半多余餘几幾分]|ではな|ではあ|じゃな|(?:이|가)?아[니닙]|или|и$|或|和|और|ו"
)
"""These make another number of the one before them, or join it to the next."""


def scale_of(words: str) -> int | None:
    """Returns by how much the first word after a number scales it, or None.

    >>> scale_of("million dollars"), scale_of("万元"), scale_of("千克")
    (1000000, 10000, None)
    """
    first = words.split()[:1]
    if not first:
        return None
    word = first[0].lower()
    if word.isascii() or word in SCALES:
        return SCALES.get(word)
    if _UNIT_BEGINNINGS.match(word):
        return None
    return next((scale for start, scale in SCALE_BEGINNINGS if word.startswith(start)), None)


def is_foreign_unit(word: str) -> bool:
    """Returns whether a word is a unit: not the name of a month or an hour, and no half.

    >>> is_foreign_unit("元"), is_foreign_unit("月"), is_foreign_unit("半")
    (True, False, False)
    """
    return word not in _TIMES and not _PARTS.match(word)
