r"""Numbers as they are written: thousands separators, decimal commas, printed floats.

- `decimal`: the node of a decimal numeral.
- `numeral`: the same, of one with separators in it.
- `join_digits`: a text whose numbers have no separators that look like a list.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any, Final

from ttrl_env.answers.limits import MAX_DIGITS, Unreadable

__all__ = ["decimal", "join_digits", "numeral"]

_THOUSANDS: Final = re.compile(r"(?<![\d.,_])[1-9]\d{0,2}(?:,\d{3})+(?![\d,]*\d)")
_SPACED_THOUSANDS: Final = re.compile(r"(?<![\d.,_^])[1-9]\d{0,2}(?: \d{3})+(?![\d ]*\d)")
_OTHER_THOUSANDS: Final = re.compile(
    r"(?<![\w.,'\\}])[1-9]\d{0,2}(?:(?:'\d{3})+|(?:\\?_\d{3})+|(?:\.\d{3}){2,})(?![\d'_,])"
)
"""Groups of three digits, set apart by apostrophes, underscores or several full stops."""
_BRACED_COMMA: Final = re.compile(
    r"(?<=\d)\{,\}(?=\d{3}(?!\d)(?:,|\{,\}))|(?<=,\d{3})\{,\}(?=\d{3}(?!\d))"
)
_DIGITS_ONLY: Final = re.compile(r"[^\d]")
_DECIMAL_COMMA: Final = re.compile(r"([-+]?)(0|[1-9]|[1-9]\d{3,}),(\d{2,})")
_DIGITS_OF_NUMBER: Final = re.compile(r"[^\d.eE+-]")
_FLOAT_DIGITS: Final = 15
_ROUNDED_DIGITS: Final = 12


def decimal(text: str) -> tuple[str, Any]:
    """Returns the node of a decimal numeral such as `"3.140"`, `".5"` or `"1e-3"`.

    A decimal is an exact fraction. One of twelve or more significant digits that is the
    rounding of a simple fraction is that fraction, and one of fifteen or more that is not is
    a printed float, known to twelve digits only.

    >>> decimal("0.0833333333333333")
    ('n', Fraction(1, 12))
    """
    mantissa, _, exponent = text.lower().partition("e")
    whole, _, decimals = mantissa.partition(".")
    if len(whole) + len(decimals) > MAX_DIGITS or len(exponent) > 5:
        raise Unreadable("too many digits")
    power = int(exponent or 0)
    if abs(power) > MAX_DIGITS:
        raise Unreadable("exponent too large")
    decimals = decimals.rstrip("0")
    digits = int((whole + decimals) or "0")
    if not decimals and power >= 0:
        return ("n", digits * 10**power)
    kind, value = "n", Fraction(digits, 10 ** len(decimals))
    significant = len((whole + decimals).lstrip("0"))
    if decimals and significant >= _ROUNDED_DIGITS:
        simple = value.limit_denominator(1000)
        error = Fraction(1, 10 ** len(decimals))
        if significant > _FLOAT_DIGITS:
            error = max(error, value / 10**_FLOAT_DIGITS)  # as in 0.30000000000000004
        if simple and abs(simple - value) <= error:
            value = simple
        elif significant >= _FLOAT_DIGITS:
            kind = "~"
    return (kind, value * Fraction(10) ** power if power else value)


def numeral(text: str) -> tuple[str, Any]:
    r"""Returns the node of a numeral that may have separators, such as `1{,}234.5`.

    >>> numeral(r"1\,234")
    ('n', 1234)
    """
    return decimal(_DIGITS_OF_NUMBER.sub("", text.replace(",", "")))


def join_digits(text: str) -> str:
    """Returns a text without thousands separators and decimal commas that look like a list.

    >>> join_digits("1,234 and (1,234) and 5 678")
    '1234 and (1,234) and 5678'
    """
    if "{,}" in text:
        text = _BRACED_COMMA.sub(",", text)
    if "," in text:
        text = _join_thousands(text)
    if "'" in text or "_" in text or text.count(".") > 1:
        text = _OTHER_THOUSANDS.sub(lambda match: _DIGITS_ONLY.sub("", match[0]), text)
    if " " in text:
        text = _SPACED_THOUSANDS.sub(lambda match: match[0].replace(" ", ""), text)
    return text


def _join_thousands(text: str) -> str:
    """Removes thousands separators, which a list inside brackets never has, and decimal commas."""
    if "(" not in text and "[" not in text and "{" not in text.replace("{,}", ""):
        found = _DECIMAL_COMMA.fullmatch(text.strip())
        if found and not _THOUSANDS.fullmatch(text.strip().lstrip("+-")):
            return f"{found[1]}{found[2]}.{found[3]}"
    if not _THOUSANDS.search(text):
        return text
    pieces, depth, start = [], 0, 0
    for position, character in enumerate(text):
        opens = character in "([" or (character == "{" and text[position - 1 : position] == "\\")
        closes = character in ")]" or (character == "}" and text[position - 1 : position] == "\\")
        if opens:
            if depth == 0:
                pieces.append(_without_commas(text[start:position]))
                start = position
            depth += 1
        elif closes and depth:
            depth -= 1
            if depth == 0:
                pieces.append(text[start:position])
                start = position
    tail = text[start:]
    pieces.append(_without_commas(tail) if depth == 0 else tail)
    return "".join(pieces)


def _without_commas(text: str) -> str:
    return _THOUSANDS.sub(lambda match: match[0].replace(",", ""), text)
