r"""The key of an answer: equal keys, and nothing else, make two answers equal.

- `answer_key`: the key.
- `equivalent`: whether two answers have the same key.
- `read`, `Reading`: how an answer was read, for `explain`.
- `tree_of`: the expression tree of an answer.
- `forget`: empties the memory of what was read.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from fractions import Fraction
from functools import lru_cache
from string import ascii_lowercase
from typing import Final, NamedTuple

from ttrl_env.answers.choices import choice_of
from ttrl_env.answers.formats import AnswerFormat, check_answer_format
from ttrl_env.answers.formula.numerals import decimal
from ttrl_env.answers.formula.parser import parse
from ttrl_env.answers.formula.spelling import in_words, respelled, unlabelled
from ttrl_env.answers.formula.tree import Node
from ttrl_env.answers.formula.vocabulary import CONSTANTS, GREEK, JOINERS, WORD_FUNCTIONS
from ttrl_env.answers.formula.words import is_product
from ttrl_env.answers.key.canonical import canonical_key
from ttrl_env.answers.key.writing import digest, number_key
from ttrl_env.answers.limits import MAX_CHARACTERS, MAX_KEY, Unreadable
from ttrl_env.answers.text.boxes import last_box
from ttrl_env.answers.text.normalize import plain_text, to_ascii, trim
from ttrl_env.answers.value.surds import surd_of

__all__ = ["Reading", "answer_key", "equivalent", "forget", "read", "tree_of"]

_INTEGER: Final = re.compile(r"[-+]?\d{1,60}")
_FRACTION: Final = re.compile(
    r"(-?)\s*(?:\\[dt]?frac\s*\{\s*(-?\d{1,60})\s*\}\s*\{\s*(\d{1,60})\s*\}|(\d{1,60})\s*/\s*(\d{1,60}))"
)
_DECIMAL: Final = re.compile(r"([-+]?)(\d{0,60}\.\d{1,60}|\d{1,60}\.)")
_TEXT_ONLY: Final = re.compile(
    r"\\(?:text|mbox|mathrm|textbf|textit|textrm|textnormal)\s*\{([^{}]*)\}"
)
_WORDS: Final = re.compile(r"[A-Za-z][A-Za-z'-]*(?:\s+[A-Za-z][A-Za-z'-]*)*")
_BOX_AROUND: Final = re.compile(r"\\(?:boxed|fbox|framebox)\s*\{\s*\}")
_ANNOUNCED: Final = re.compile(
    r"(?P<styled>\\(?:text|textbf|textit|mathrm|mathbf)\s*\{\s*)?"
    r"(?:the\s+)?(?:final\s+|correct\s+)?answer(?:\s+is\b|\s*[:=])\s*[:=]?\s*"
    r"(?(styled)\})\s*(?=\S)",
    re.IGNORECASE,
)
_LAST_SIDE: Final = re.compile(r"=\s*([-+]?\d{1,60})$")
_CALLED: Final = re.compile(
    r"(?:[A-Z][a-z]{0,3}|\\Pr|\\(?:mathbb|mathrm|operatorname|text)\s*\{[A-Za-z ]{1,20}\})"
    r"\s*(?:\\left\s*|\\[bB]igg?l?\s*)?[(\[]"
)
_EQUALS: Final = re.compile(r"\s*=\s*(?=\S)")
_TIME: Final = re.compile(
    r"(\d{1,2})(?::(\d\d))?[\s~]*(?:\\(?:text|mbox|mathrm)\s*\{\s*)?([AaPp])(?:\.\s?)?[Mm]\.?\s*\}?"
)
_BEFORE_WORDS: Final = frozenset("\\$")
_BEFORE_DIGITS: Final = frozenset("+-.\\")
_ALL_NUMBERS: Final = frozenset({"all real numbers", "all reals", "real numbers"})
_SHORT_WORDS: Final = frozenset({"no", "up", "in", "on", "yes", "all", "odd"})


class Reading(NamedTuple):
    """How an answer was read.

    Attributes:
        text: The text that was read.
        kind: As what.
        key: Its key.
        reason: Why it is not a formula, where it was tried as one and is compared as text.
    """

    text: str
    kind: str
    key: str
    reason: str = ""


def answer_key(answer: str, answer_format: AnswerFormat = "latex") -> Hashable:
    r"""Returns the key under which an answer is counted.

    The key is a short string, the same in every process. The function never raises for any
    answer, never executes any part of it, and takes bounded time.

    Args:
        answer: The answer, as `extract_answer` returns it.
        answer_format: One of `ANSWER_FORMATS`.

    Raises:
        ValueError: If `answer_format` is unknown.

    >>> answer_key(r"\frac{2}{4}") == answer_key("0.5")
    True
    >>> answer_key("025", "integer")
    '25'
    """
    return read(answer, check_answer_format(answer_format)).key


def equivalent(a: str, b: str, answer_format: AnswerFormat = "latex") -> bool:
    r"""Returns whether two answers are the same: whether their keys are equal.

    >>> equivalent(r"\sqrt{12}", r"2\sqrt{3}")
    True
    >>> equivalent("(1,2)", "(2,1)")
    False
    """
    return answer_key(a, answer_format) == answer_key(b, answer_format)


def read(answer: str, answer_format: AnswerFormat) -> Reading:
    """Reads an answer; the results for short ones are remembered."""
    if len(answer) <= MAX_CHARACTERS:
        return _read_cached(answer, answer_format)
    return _read(answer, answer_format)


@lru_cache(maxsize=8192)
def _read_cached(answer: str, answer_format: AnswerFormat) -> Reading:
    return _read(answer, answer_format)


def forget() -> None:
    """Forgets what was read, so that a measurement starts cold."""
    _read_cached.cache_clear()
    surd_of.cache_clear()


def _read(answer: str, answer_format: AnswerFormat) -> Reading:
    if answer_format == "text":
        return _as_text(answer)
    if answer_format == "choice":
        letter = choice_of(answer)
        return Reading(letter, "choice", letter) if letter else _as_text(answer)
    if _INTEGER.fullmatch(answer):
        return Reading(answer, "number", str(int(answer)))
    if len(answer) > 4 * MAX_CHARACTERS:
        return _as_text(answer)
    text = _undressed(answer)
    first = text[:1]
    reading = None
    if first.isdigit() or first in _BEFORE_DIGITS:
        reading = _as_number(text) or _as_time(text)
    if reading is None and (first.isalpha() or first in _BEFORE_WORDS):
        words = in_words(text) if " " in text or "\\" in text else None
        reading = _as_text(words) if words else _as_words(text)
    reading = reading or _as_formula(text, answer)
    if answer_format == "integer" and reading.kind == "relation":
        # Whatever `m + n = 113` poses, the integer is what was asked for.
        found = _LAST_SIDE.search(text)
        return Reading(text, "number", str(int(found[1]))) if found else reading
    return reading


def _undressed(answer: str) -> str:
    """Returns an answer in ASCII, without a box or an announcement around it."""
    text = trim(to_ascii(answer))
    if "boxed" in text:
        text = _unboxed(text)
    if "nswer" in text or "NSWER" in text:
        text = _unannounced(text)
    return respelled(text)


def tree_of(answer: str) -> Node:
    """Returns the expression tree of an answer.

    Raises:
        Unreadable: If it is not a formula.

    >>> tree_of("$x+1$")
    ('+', [('x', 'x'), ('n', 1)])
    """
    if len(answer) > MAX_CHARACTERS:
        raise Unreadable(f"more than {MAX_CHARACTERS} characters")
    reason = Unreadable("nothing")
    for spelling in _spellings(_undressed(answer)):
        try:
            return parse(spelling)
        except Unreadable as error:
            reason = error
    raise reason


def _as_number(text: str) -> Reading | None:
    """Reads integers, fractions and decimals, which most answers are, without a parser."""
    if "/" in text or "\\" in text:
        found = _FRACTION.fullmatch(text)
        if found is None:
            return None
        top, bottom = int(found[2] or found[4]), int(found[3] or found[5])
        if bottom:
            value = Fraction(-top if found[1] else top, bottom)
            return Reading(text, "number", number_key(value))
        return None
    if "." not in text:
        return Reading(text, "number", str(int(text))) if _INTEGER.fullmatch(text) else None
    found = _DECIMAL.fullmatch(text)
    if found:
        kind, value = decimal(found[2])
        if kind == "n":
            return Reading(text, "number", number_key(-value if found[1] == "-" else value))
    return None


def _as_words(text: str) -> Reading | None:
    """Reads an answer in words."""
    found = _TEXT_ONLY.fullmatch(text) if text[:1] == "\\" else None
    inside = found[1].strip() if found else text
    if not inside or not _WORDS.fullmatch(inside) or len(inside) > MAX_CHARACTERS:
        return None
    words = inside.split()
    if any(word in _MATHEMATICAL for word in words) or all(len(word) == 1 for word in words):
        return None
    if inside.lower() in _ALL_NUMBERS:
        return Reading(text, "set", "(-inf,inf)")
    if len(words) == 1 and "-" in inside and min(map(len, inside.split("-"))) < 2:
        return None  # a difference, unless it can't be read, as `x-axis`
    if len(words) == 1 and inside not in _SHORT_WORDS:
        three_consonants = len(inside) == 3 and not set(inside.lower()) & set("aeiou")
        product = len(inside) > 3 and not inside.isupper() and is_product(inside)
        if len(inside) < 3 or three_consonants or product or inside in ascii_lowercase:
            return None
    return _as_text(text)


def _as_time(text: str) -> Reading | None:
    """Reads a time of day that says which half of the day it means."""
    found = _TIME.fullmatch(text) if "m" in text or "M" in text else None
    if found is None or (not found[2] and text[-3:-2].isdigit()):
        return None  # `2am` is a product
    return Reading(text, "time", f"{int(found[1])}:{found[2] or '00'}{found[3].lower()}m")


_MATHEMATICAL: Final = WORD_FUNCTIONS | frozenset(CONSTANTS) | GREEK | JOINERS


def _as_formula(text: str, answer: str) -> Reading:
    """Reads a formula, in one spelling after another; what is none of them is text."""
    reason = ""
    for spelling in _spellings(text):
        try:
            return _formula(spelling, text)
        except Unreadable as error:
            reason = reason or str(error)
    return _as_text(answer)._replace(reason=reason)


def _spellings(text: str) -> Iterator[str]:
    """Yields what in an answer may be the formula."""
    found = _TEXT_ONLY.fullmatch(text) if text[:1] == "\\" else None
    if found:
        yield unlabelled(found[1])
    yield unlabelled(text)
    right = _right_hand_side(text)
    if right:
        yield right


def _formula(spelling: str, text: str) -> Reading:
    """Reads one spelling of an answer as a formula.

    Raises:
        Unreadable: Where it is none.
    """
    tree = parse(spelling)
    if tree[0] == "x" and len(tree[1]) > 2 and tree[1].isalpha() and tree[1] not in GREEK:
        return _as_text(tree[1])  # a word in the dress of a formula
    key = canonical_key(tree, ambiguous="\\pm" in text or "\\mp" in text)
    return Reading(text, _KINDS.get(tree[0], "expression"), key)


_KINDS: Final = {
    "n": "number",
    "~": "number",
    "list": "list",
    "set": "set",
    "tuple": "tuple or interval",
    "rel": "relation",
    "ratio": "ratio",
    "base": "numeral in a base",
    "mat": "matrix",
    "cup": "union",
    "cap": "intersection",
    "minus": "set difference",
}


def _unboxed(text: str) -> str:
    """Returns the content of a box that is the whole answer."""
    content = last_box(text)
    if content is not None and _BOX_AROUND.fullmatch(text.replace(content, "", 1)):
        return trim(content)
    return text


def _unannounced(text: str) -> str:
    """Returns an answer without words such as "The answer is:" before it."""
    whole = _TEXT_ONLY.fullmatch(text)
    found = _ANNOUNCED.match(whole[1] if whole else text)
    if found is None:
        return text
    return trim((whole[1] if whole else text)[found.end() :]) or text


def _right_hand_side(text: str) -> str | None:
    """Returns what `P(X = 2)` and its like are equal to; asked only where they can't be read."""
    found = _CALLED.match(text)
    if found is None:
        return None
    depth = 0
    for position in range(found.end() - 1, len(text)):
        depth += (text[position] in "([") - (text[position] in ")]")
        if not depth:
            equals = _EQUALS.match(text, position + 1)
            return text[equals.end() :] if equals else None
    return None


def _as_text(answer: str) -> Reading:
    # Normalising is only worth it for what a person may have written.
    text = plain_text(answer) if len(answer) <= 4 * MAX_CHARACTERS else " ".join(answer.split())
    key = "text:" + text
    if len(key) > MAX_KEY:
        key = f"text#{digest(text)}"
    return Reading(text[:MAX_KEY], "text", key)
