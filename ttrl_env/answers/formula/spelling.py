r"""One spelling for formulas that are written with different fonts, currencies and labels.

- `respelled`: a formula with its styles as braces, and without currencies and the like.
- `unlabelled`: an option of a question without its letter, as in `\textbf{(B) } 42`.
- `in_words`: an answer whose words partly stand in styles, as words: `n \text{ odd}`.
"""

from __future__ import annotations

import re
from typing import Final

from ttrl_env.answers.formula.vocabulary import (
    BASES,
    CONSTANTS,
    GREEK,
    JOINERS,
    QUALIFIERS,
    TEXT_STYLES,
    UNITS,
    WORD_FUNCTIONS,
)

__all__ = ["in_words", "respelled", "unlabelled"]

_SWITCH: Final = re.compile(
    r"\{\s*+\\(?:rm|bf|it|sf|tt|sc|sl|em|cal|(?:rm|sf|tt)family|bfseries|itshape|mdseries)(?![A-Za-z])\s*+"
    r"([^{}]*+)\}"
)
_BARE_SWITCH: Final = re.compile(
    r"\\(?:rm|bf|it|sf|tt|sc|sl|em|cal|(?:rm|sf|tt)family|bfseries|itshape|mdseries|pmb|bm)(?![A-Za-z{])(?!\s*+\{)\s*+"
)
_STYLES: Final = "|".join(sorted(TEXT_STYLES, key=len, reverse=True))
_STYLED: Final = re.compile(rf"\\(?:{_STYLES})\*?\s*+(?:\[[^\[\]]{{0,60}}\]\s*+)?(?=\{{)")
_OPTIONS: Final = re.compile(r"\\bbox\s*+\[[^\[\]]{0,60}\]")
_BRACE: Final = re.compile(r"\\.|[{}]", re.DOTALL)
_SIGNS: Final = "$€£¥₹₩₽₺₫₪₱₦฿₴₸₡₲₵￥￡¢₨"
_CURRENCY: Final = re.compile(
    rf"\\(?:text|textrm|mathrm|mbox)\s*+\{{\s*+(?:US|CA|AU|NZ|HK|SG|NT|[ACRS])?\s*+\\?[{_SIGNS}]\s*+\}}"
    r"|\\(?:text|textrm|mathrm|mbox)\s*+\{\s*+(?:USD|EUR|GBP|INR|JPY|CNY|RMB|KRW|AUD|CAD|CHF|HKD|SGD|Rs\.?)\s*+\}"
    r"|(?<![A-Za-z\\])(?:USD|EUR|GBP|INR|JPY|CNY|RMB|KRW|AUD|CAD|CHF|HKD|SGD|Rs\.?)\s*+(?=[-\d.\\])"
    r"|(?<=[\d\s~}])(?:USD|EUR|GBP|INR|JPY|CNY|RMB|KRW|AUD|CAD|CHF|HKD|SGD)\.?$"
    rf"|(?<![A-Za-z\\])(?:US|CA|AU|NZ|HK|SG|NT)\s?\\?[{_SIGNS}]"
    rf"|^(?P<sign>[-+]?)(?:[ACRS])\\?[{_SIGNS}](?=\s*+\d)"
    r"|\\(?:euro|pounds|yen|rupee|texteuro|textsterling|textyen)(?![A-Za-z])(?:\{\})?"
)
_MONEY: Final = frozenset(_SIGNS)
_CODES: Final = (
    "USD",
    "EUR",
    "GBP",
    "INR",
    "JPY",
    "CNY",
    "RMB",
    "KRW",
    "AUD",
    "CAD",
    "CHF",
    "HKD",
    "SGD",
    "Rs",
)
_BASE_WORD: Final = "|".join(sorted(BASES, key=len, reverse=True))
_BASE_BELOW: Final = re.compile(
    r"(?<=[\d)}])\s*+_\s*+\{?\s*+(?:\\(?:text|mathrm|textrm|mbox|rm)\s*+\{?\s*+)?\(?\s*+(?:base[\s~-]*+\}?\s*+)?"
    rf"(?P<word>{_BASE_WORD}|(?<=[\s}}e~-])\d{{1,2}})\s*+\)?\s*+\}}{{0,2}}(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_BASE_BESIDE: Final = re.compile(
    r"(?P<numeral>\d++)[\s~]*+(?:\\(?:text|mathrm|textrm|mbox)\s*+\{)?[\s~]*+\(?\s*+(?:in\s++)?base[\s~-]*+\}?[\s~]*+"
    rf"(?P<word>{_BASE_WORD}|\d{{1,2}})\s*+\)?\s*+\}}?",
    re.IGNORECASE,
)
_BASE_AROUND: Final = re.compile(r"[({]\s*+(\d+)\s*+[)}]\s*+_\s*+(?=[\d{\\])")
_LETTER: Final = r"(?:\([A-J]\)|[A-J][).]|\([A-J]\)[.:])"
_OPTION: Final = r"(?:Option|Choice|Answer|option|choice|answer)"
_LABEL: Final = rf"(?:{_OPTION}[\s~]*+(?:\(?[A-J]\)?[).:]*)|{_LETTER}|[A-J]:)"
_STYLE_NAMES: Final = r"text|textbf|textrm|mathrm|mathbf|mbox|textit|textsf|bf|rm"
_LABELLED: Final = re.compile(
    rf"(?:\\(?:{_STYLE_NAMES})\s*+\{{\s*+{_LABEL}[\s~]*+(?:\\ )?\s*+\}}"
    rf"|\(\s*+\\(?:{_STYLE_NAMES})\s*+\{{\s*+[A-J]\s*+\}}\s*+\)"
    r"(?=[\s~]|\\[ ,;:!]|\\q?quad))"
    r"(?:[\s~]|\\[ ,;:!]|\\q?quad(?![a-z]))*+"
    r"(?![,;&=+*/^_)\]!:]|\\(?:text|mbox|mathrm|cup|cap|times|cdot|to|land|lor|le|ge|Right)"
    r"|and\b|or\b)(?=.)"
    rf"|(?:{_LETTER}|{_OPTION}\s*+\(?[A-J]\)?[).:]*)(?:\s|\\[ ,;:]|~|\\q?quad)+"
    r"(?=[-\\$]?\s?(?:\d|\\[dt]?frac|\\sqrt|\\pi|[(\[]\s?[-\d]))"
)
_PLAIN_LETTERS: Final = re.compile(r"[A-Za-z][A-Za-z'-]*(?:\s+[A-Za-z][A-Za-z'-]*)+")
_SPACES: Final = re.compile(r"\\[,;:! ]|\\q?quad(?![a-z])|[\s~$]+")
_STYLED_WORDS: Final = re.compile(rf"\\(?:{_STYLES})\s*\{{([^{{}}\\]*)\}}")
_SYMBOLS: Final = (WORD_FUNCTIONS | frozenset(CONSTANTS) | GREEK | JOINERS | UNITS) - frozenset(
    "ei"
)


def respelled(text: str) -> str:
    r"""Returns a formula in the spelling that the parser reads.

    >>> respelled(r"\mathbf{6+9i}"), respelled(r"5\,{\rm cm}"), respelled(r"US\$36")
    ('6+9i', '5\\,\\mathrm{cm}', '36')
    >>> respelled(r"204_{\text{five}}")
    '204_{5}'
    """
    if "\\" in text:
        text = _refonted(text)
    if not _MONEY.isdisjoint(text) or "\\" in text or any(code in text for code in _CODES):
        text = _CURRENCY.sub(lambda found: found["sign"] or "", text).strip().rstrip("\\~ ")
    if "_" in text or "base" in text:
        text = _BASE_AROUND.sub(r"\1_", text)
        text = _BASE_BELOW.sub(lambda found: f"_{{{_base(found['word'])}}}", text)
        beside = _BASE_BESIDE.fullmatch(text)
        if beside:
            text = f"{beside['numeral']}_{{{_base(beside['word'])}}}"
    return text


def _base(word: str) -> str:
    return word if word.isdigit() else str(BASES[word.lower()])


def _refonted(text: str) -> str:
    text = _OPTIONS.sub(r"\\mathbf", text)
    if "{\\" in text or "{ \\" in text:
        text = _SWITCH.sub(r"\\mathrm{\1}", text)
    text = _BARE_SWITCH.sub("", text)
    for _ in range(4):
        found = _STYLED.match(text)
        if found is None or not _closes_at_end(text, found.end()):
            return text
        text = text[found.end() + 1 : -1].strip()
    return text


def _closes_at_end(text: str, start: int) -> bool:
    """Returns whether the brace at a position is closed by the last character."""
    depth = 0
    for brace in _BRACE.finditer(text, start):
        depth += (brace[0] == "{") - (brace[0] == "}")
        if not depth:
            return brace.end() == len(text)
    return False


def unlabelled(text: str) -> str:
    r"""Returns an option of a question without its letter.

    >>> unlabelled(r"\text{Option A: }42"), unlabelled("(B) -3"), unlabelled("(A)(42)")
    ('42', '-3', '(A)(42)')
    """
    found = _LABELLED.match(text)
    return text[found.end() :] if found else text


def in_words(text: str) -> str | None:
    r"""Returns an answer whose words partly stand in styles as plain words, or None.

    It is one where no letter can be a factor, since a word says what kind of number it stands for.

    >>> in_words(r"n \text{ odd}"), in_words(r"x \text{ cm}")
    ('n odd', None)
    """
    plain = _STYLED_WORDS.sub(r" \1 ", _SPACES.sub(" ", text))
    plain = " ".join(plain.split())
    if not _PLAIN_LETTERS.fullmatch(plain):
        return None
    words = plain.split()
    qualified = any(len(word) == 1 for word in words) and any(
        word.lower() in QUALIFIERS for word in words
    )
    return " ".join(words) if qualified and not any(word in _SYMBOLS for word in words) else None
