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
from ttrl_env.answers.value.numbers import INEXACT, Number, Real, fraction_of, simple_fraction
from ttrl_env.answers.value.surds import surd_of

__all__ = ["bounded", "digest", "digits", "interval_key", "number_key", "real_key"]

_LARGE: Final = 5
_LONG_BITS: Final = 256
_KEY_DIGITS: Final = Context(prec=27, Emin=-999999, Emax=999999)
_PRECISE: Final = Context(prec=64, Emin=-999999, Emax=999999)


def digest(text: str) -> str:
    """Returns sixteen bytes of hash for a text of any length, lone surrogates included."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def number_key(value: int | Fraction) -> str:
    """Returns the key of an exact number.

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
    """Returns a key of bounded length: a long one keeps its start and gets a digest."""
    if len(key) <= MAX_KEY:
        return key
    return f"{key[:24]}#{digest(key)}"


def real_key(value: Real, *, rounded: bool = False) -> str:
    """Returns the key of a real constant: exact where it is a simple fraction."""
    simple = simple_fraction(value)
    if simple is not None:
        return number_key(simple)
    surd = surd_of(value, rounded=rounded)
    if surd is not None:
        return str(surd)
    # A printed float of this size has fewer than twelve decimals, so it can't be meant.
    number = _decimal(value)
    if number.adjusted() >= _LARGE:
        return f"~{number:.40e}"
    return f"~{number:.12f}" if number.adjusted() >= 0 else f"~{number:.11e}"


def _decimal(value: Real, context: Context = _PRECISE) -> Decimal:
    """Returns a number as a decimal, rounded by a context."""
    exact = fraction_of(value)
    return context.divide(Decimal(exact.numerator), Decimal(exact.denominator))


def digits(value: Number) -> str:
    """Returns 27 digits of a number of any kind, as text."""
    if not isinstance(value, INEXACT):
        return number_key(value)
    if len(value) == 4:
        return _digits(value)
    return f"{_digits(value[0])}+{_digits(value[1])}i"


def _digits(value: Real) -> str:
    return str(_KEY_DIGITS.normalize(_decimal(value)))


def interval_key(opening: str, low: str, high: str, closing: str) -> str:
    """Returns the key of an interval; open ones look like points, as they do on paper."""
    opening = "(" if low == "-inf" else opening
    closing = ")" if high == "inf" else closing
    return f"{opening}{low},{high}{closing}"
