r"""How numbers and intervals are written in keys.

- `number_key`, `real_key`: an exact number; a real constant.
- `digits`: the value of a function at a point.
- `interval_key`: an interval.
- `bounded`, `digest`: a key of bounded length; the hash of a text.
"""

from __future__ import annotations

from decimal import Context, Decimal
from fractions import Fraction
from hashlib import blake2b
from typing import Final

from ttrl_env.answers.limits import MAX_KEY
from ttrl_env.answers.value.evaluator import Number
from ttrl_env.answers.value.numbers import Complex

__all__ = ["bounded", "digest", "digits", "interval_key", "number_key", "real_key"]

_LARGE: Final = 5
_LONG_BITS: Final = 256
_KEY_DIGITS: Final = Context(prec=27, Emin=-999999, Emax=999999)
_FORTY_DIGITS: Final = 10**40


def digest(text: str) -> str:
    """Return sixteen bytes of hash for a text of any length, lone surrogates included."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def number_key(value: int | Fraction) -> str:
    """Return the key of an exact number.

    >>> number_key(Fraction(6, 4))
    '3/2'
    """
    if isinstance(value, Fraction) and value.denominator != 1:
        return f"{_integer_key(value.numerator)}/{_integer_key(value.denominator)}"
    return _integer_key(int(value))


def _integer_key(value: int) -> str:
    if value.bit_length() <= _LONG_BITS:
        return str(value)
    data = value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)
    return "int#" + blake2b(data, digest_size=16).hexdigest()


def bounded(key: str) -> str:
    """Return a key of bounded length: a long one keeps its start and gets a digest."""
    if len(key) <= MAX_KEY:
        return key
    return f"{key[:24]}#{digest(key)}"


def _simple_fraction(value: Decimal) -> Fraction | None:
    """Return the fraction of small denominator that a number is to forty digits, if any."""
    if not value:
        return Fraction(0)
    if abs(value.adjusted()) > 20:
        return None
    top, bottom = value.as_integer_ratio()
    size, rest = abs(top), bottom
    h0, k0, h1, k1 = 0, 1, 1, 0
    numerator = size
    while rest:
        whole, left = divmod(numerator, rest)
        h0, k0, h1, k1 = h1, k1, whole * h1 + h0, whole * k1 + k0
        if k1 > 1_000_000:
            return None
        if abs(size * k1 - h1 * bottom) * _FORTY_DIGITS <= size * k1:
            return Fraction(h1 if top > 0 else -h1, k1)
        numerator, rest = rest, left
    return None


def real_key(value: Decimal) -> str:
    """Return the key of a real constant: exact where it is a simple fraction."""
    simple = _simple_fraction(value)
    if simple is not None:
        return number_key(simple)
    # A printed float of this size has fewer than twelve decimals, so it can't be meant.
    if value.adjusted() >= _LARGE:
        return f"~{value:.40e}"
    return f"~{value:.12f}" if value.adjusted() >= 0 else f"~{value:.11e}"


def digits(value: Number) -> str:
    """Return 27 digits of a number of any kind, as text."""
    if isinstance(value, Decimal):
        return str(_KEY_DIGITS.normalize(value))
    if isinstance(value, Complex):
        return f"{_KEY_DIGITS.normalize(value.real)}+{_KEY_DIGITS.normalize(value.imag)}i"
    return number_key(value)


def interval_key(opening: str, low: str, high: str, closing: str) -> str:
    """Return the key of an interval; open ones look like points, as they do on paper."""
    opening = "(" if low == "-inf" else opening
    closing = ")" if high == "inf" else closing
    return f"{opening}{low},{high}{closing}"
