"""The limits that keep one answer from costing more than a bounded time and memory.

Every one is checked before the thing it limits is built. An answer over a limit is
still an answer: it is compared as text, or, inside a larger expression, kept unevaluated.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "MAX_ARGUMENT",
    "MAX_CELLS",
    "MAX_CHAIN",
    "MAX_CHARACTERS",
    "MAX_DEPTH",
    "MAX_DIGITS",
    "MAX_EXACT_BITS",
    "MAX_EXPONENT",
    "MAX_FACTORIAL",
    "MAX_KEY",
    "MAX_MAGNITUDE",
    "MAX_TERMS",
    "MAX_TOKENS",
    "MAX_WORD",
    "MAX_WORK",
    "Unreadable",
]

MAX_CHAIN: Final = 64
"""Unions and other set operations in a row."""
MAX_CHARACTERS: Final = 4096
"""Longer answers are compared as text."""
MAX_TOKENS: Final = 800
"""Tokens of one answer; the expression tree has at most a few nodes a token."""
MAX_DEPTH: Final = 24
"""Nesting of brackets, braces, roots, fractions and exponents."""
MAX_DIGITS: Final = 1000
"""Digits of one number as written, and the size of a decimal exponent."""
MAX_CELLS: Final = 256
"""Cells of a matrix."""
MAX_EXACT_BITS: Final = 1 << 16
"""Bits of an exact integer; larger powers and factorials stay unevaluated."""
MAX_FACTORIAL: Final = 4000
"""Largest n for which n! and binomial coefficients of n are computed."""
MAX_MAGNITUDE: Final = 4000
"""Bits before or after the point of a number that is known to finite precision only."""
MAX_EXPONENT: Final = 1200
"""Largest power of e that is computed."""
MAX_ARGUMENT: Final = 10**12
"""Largest argument of a trigonometric or hyperbolic function."""
MAX_TERMS: Final = 100
"""Terms of a sum or a product that is computed."""
MAX_WORD: Final = 32
"""Letters in a row; each may become a factor."""
MAX_WORK: Final = 20_000
"""Budget of one key: an exact operation costs about one, a function about five."""
MAX_KEY: Final = 160
"""Characters of a key; longer ones are replaced by their digest."""


class Unreadable(Exception):  # noqa: N818 - a signal between modules, not an error for callers
    """The text is not a formula that is understood: it is compared as text instead."""
