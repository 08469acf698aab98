"""Runs of letters that stand for a product, such as `xy`, and those that are words.

- `is_product`: tells the two apart.
"""

from __future__ import annotations

import string
from typing import Final

__all__ = ["is_product"]

_ALPHABET: Final = string.ascii_lowercase
_COMMON_LETTERS: Final = frozenset("xyznab")


def is_product(word: str) -> bool:
    """Returns whether a run of letters reads as a product (`abx`, `xsin`, `lnx`), not as a word.

    >>> is_product("xy"), is_product("east"), is_product("sinx"), is_product("sister")
    (True, False, True, False)
    """
    if len(word) < 4 or word.isupper() or len(set(word)) == 1 or word in _ALPHABET:
        return True
    for name in ("sin", "cos", "tan", "sqrt", "exp", "log", "ln", "pi"):
        if word.endswith(name) and len(word) - len(name) <= 2:
            return True
        if word.startswith(name) and word[len(name) :] in _COMMON_LETTERS:
            return True
    return False
