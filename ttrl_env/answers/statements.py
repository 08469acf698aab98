r"""What a sentence states as the value of something.

- `as_value`: a piece of text, if it reads as a formula.
- `stated`: the value that a sentence states.
- `first_sentence`: a text up to the end of its first sentence.
- `result_of`: the result of a computation such as `3 * 4 = 12`.
- `formulas`: the formulas between dollars and their like.
"""

from __future__ import annotations

import itertools
import re
from typing import Final

from ttrl_env.answers.formula.scripts import FOREIGN
from ttrl_env.answers.formula.spelling import in_words
from ttrl_env.answers.formula.vocabulary import CONSTANTS, GREEK, JOINERS, UNITS, WORD_FUNCTIONS
from ttrl_env.answers.keys import read
from ttrl_env.answers.text.normalize import to_ascii, trim
from ttrl_env.answers.text.phrases import CONTRAST, DENIAL, DENIAL_AFTER, LINK, NEGATION
from ttrl_env.answers.text.pieces import Piece

__all__ = ["SEGMENT", "as_value", "first_sentence", "formulas", "result_of", "stated"]

_LONGEST_VALUE: Final = 200
_INSIDE: Final = r"(?:\\.|[^$\\]){1,400}?"
SEGMENT: Final = re.compile(
    rf"(?<!\\)\$\$({_INSIDE})\$\$|(?<!\\)\$((?:\\.|[^$\\\n]){{1,400}})\$(?!\d)"
    r"|\\\(((?:\\\\|(?!\\[()]).){1,400})\\\)|\\\[((?:\\\\|(?!\\[\[\]]).){1,400})\\\]",
    re.DOTALL,
)
"""A formula; as in Markdown, a dollar before a digit ends none, so that prices are told apart."""
_SENTENCE_END: Final = re.compile(r"(?<!\\)[.!?](?=\s|$|\*)|[。！？।؟]|\n\s*\n|\n(?=\S)")
_WORD: Final = re.compile(rf"(?<![A-Za-z\\])[A-Za-z]{{2,}}(?:['’][a-z]+)?|{FOREIGN}")
_STYLED_WORDS: Final = re.compile(r"\\[a-z]+\s*\{[^{}$\\]*\}")
_STYLED: Final = re.compile(
    r"\$?\\(?:text|textbf|textit|textrm|mathrm|mathbf|mbox|emph)\s*\{([^{}\\]{1,80})\}\$?"
)
_SIGN: Final = "[-−–－﹣+]"
_SIGN_BEFORE: Final = re.compile(rf"(?<![\w)$}}]){_SIGN}$|(?<![\w)$}}])(?<![\w)$}}]\s){_SIGN}\s$")
_CURRENCY: Final = r"(?:(?:US|CA|AU|NZ|HK)?\\?[$€£¥₹₩₽￥])"
_NUMBER: Final = re.compile(
    rf"(?<![\w.])(?:{_SIGN}\s?)?{_CURRENCY}?(?:{_SIGN}\s?)?(?:\\[dt]?frac\s?\{{[^{{}}]{{1,20}}\}}\s?\{{[^{{}}]{{1,20}}\}}"
    r"|\d+(?:[,.]\d+)*(?:\s?/\s?\d+)?[½¼¾]?)(?:\s?\\?%)?"
)
_ANY_NUMBER: Final = re.compile(
    rf"(?:{_SIGN})?(?:\\[dt]?frac\s?\{{[^{{}}]{{1,20}}\}}\s?\{{[^{{}}]{{1,20}}\}}|\d+(?:[,.]\d+)*(?:/\d+)?)(?:\s?\\?%)?"
)
_JOINED: Final = re.compile(
    r"[*_\s]*(?:,\s*)?(?:(?:and|or|et|ou|und|oder|y|o|e|и|или|和|或|と|و|أو)\s*)?[*_]*"
)
_POINT: Final = re.compile(r"[(\[][^()\[\]$]{1,80},[^()\[\]$]{1,80}[)\]](?=[.\s*_]*$)")
_OTHERWISE: Final = re.compile(
    r"\s*\((?:or|i\.e\.|that is|approximately|about|approx|rounded|to the nearest)\b[^()]*\)[\s.]*$"
)
_REASON: Final = re.compile(r",?\s+(?:since|because|as)\b")
_CLAUSE: Final = re.compile(
    r"\W*(?:because|since|as|when|where|if|for|by|which|who|due|given|after|from|in|with|so|thus|and|but|"
    r"exactly|indeed|according|units?|car|parce|puisque|weil|da|porque|ya|pues|perché|так|потому|поскольку|"
    r"です|である|となる|になる|입니다|이다|예요|이에요|因为|，因为|لأن)"
)
_CLAUSE_WORDS: Final = frozenset(
    {"because", "since", "as", "when", "where", "if", "which", "who", "given", "after", "so"}
    | {"thus", "but", "for", "by", "parce", "puisque", "weil", "porque"}
)
_COPULA: Final = re.compile(
    r"(?:です|である|でした|となります?|になります?|だ|では(?:ない|ありません)|입니다|이다|예요|이에요|됩니다|아닙니다|아니다|है|हैं)$"
)
"""What ends a sentence in languages that put the verb there."""
_EMPHASIS_ENDS: Final = re.compile(r"\*\*|__|`")
_NAMED: Final = re.compile(r"[A-Za-z]\Z")
_MINUS_WORD: Final = re.compile(
    r"(?:minus|negative|moins|menos|meno|минус)\s+(?=[$\\\d(*])", re.IGNORECASE
)
_UNSURE: Final = re.compile(
    r"(?:not|between|un(?:known|clear|defined|determined|certain|decided|available|solvable|fortunately|able|sure)"
    r"|impossible|cannot|indeterminate|none|missing|left|yet|what|whatever|hard)\b",
    re.IGNORECASE,
)
_MATHEMATICAL: Final = WORD_FUNCTIONS | frozenset(CONSTANTS) | GREEK | JOINERS | UNITS
_OPERATORS: Final = re.compile(
    r"\\(?:int|iint|oint|sum|prod|lim|det|partial|binom|dbinom)(?![a-z])|\\[dt]?frac\s*\{\s*(?:\\mathrm\{)?d|'|\\prime|\\dot"
    r"|\\(?:circ|max|min|gcd|mathrm|operatorname|text)"
)
"""What makes a left-hand side ask for something, as an integral does."""
_COMMANDS: Final = re.compile(
    r"\\(?:text|mathrm|mbox|textbf|operatorname)\s*\{[^{}]*\}|\\[A-Za-z]+|[A-Za-z]{3,}"
)
_UNIT_LETTERS: Final = re.compile(
    r"(?<=\d)\s?(?:[kcmd]?m|[km]?g|[mc]?l|L|s|h|ft|in|cm|km)(?![A-Za-z])(?:\^?[23²³])?"
)
_LETTER: Final = re.compile(r"[A-Za-zα-ωΑ-Ω]")
_CONSTANT_LETTERS: Final = re.compile(r"(?<![A-Za-z])[ei](?![A-Za-z])|π")
_EQUALS: Final = re.compile(r"(?<![<>!\\:])=(?![=>])")


def formulas(text: str) -> list[re.Match[str]]:
    r"""Returns the formulas in a text; their contents are the only group that took part.

    >>> [found[2] for found in formulas(r"It costs $\$36$, not $40 or $50.")]
    ['\\$36']
    """
    return list(SEGMENT.finditer(text))


def first_sentence(piece: Piece) -> Piece:
    """Returns a text up to the end of its first sentence."""
    text = piece.text
    spans = [found.span() for found in formulas(text)]
    for found in _SENTENCE_END.finditer(text):
        position = found.start()
        inside = text[:position]
        if any(start < position < stop for start, stop in spans):
            continue
        if inside.count("{") > inside.count("}") or not inside.strip(" *_#"):
            continue
        return piece.part(0, position)
    return piece


def as_value(piece: Piece) -> Piece | None:
    """Returns a piece without what surrounds its value, if it reads as a formula."""
    minus = _MINUS_WORD.match(piece.text)
    if minus:
        size = as_value(piece.part(minus.end()))
        return piece.part(0, size.stop - piece.start) if size else None
    trimmed = trim(piece.text)
    if not trimmed or len(trimmed) > _LONGEST_VALUE or _is_prose(trimmed):
        return None
    if read(to_ascii(trimmed), "latex").kind == "text":
        return None
    position = piece.text.find(trimmed)
    return piece.part(position, position + len(trimmed)) if position >= 0 else piece


def stated(sentence: Piece, *, phrase: bool, concluded: bool = False) -> Piece | None:
    """Returns the value a sentence states, if it states one.

    Args:
        sentence: The sentence, or what is left of it after a phrase.
        phrase: Whether it follows a phrase that announces an answer.
        concluded: Whether it begins with a word such as "therefore".
    """
    sentence = sentence.strip().strip("*_` ").without(_OTHERWISE).strip()
    if not sentence.text:
        return None
    if phrase and NEGATION.match(sentence.text):
        contrast = CONTRAST.search(sentence.text)
        rest = sentence.part(contrast.end()) if contrast else None
        return stated(rest, phrase=True) if rest and not NEGATION.match(rest.text) else None
    found = _stated(sentence, phrase=phrase, concluded=concluded)
    if found is None:
        return None
    before = sentence.text[: found.start - sentence.start]
    after = sentence.text[found.stop - sentence.start :]
    denied = DENIAL.search(before[-80:]) or DENIAL_AFTER.match(after)
    return None if denied else found


def _stated(sentence: Piece, *, phrase: bool, concluded: bool) -> Piece | None:
    text = sentence.text
    whole = as_value(sentence)
    if whole or (phrase and in_words(trim(text))):
        return whole or sentence
    minus = _MINUS_WORD.match(text)
    if minus:
        size = _stated(sentence.part(minus.end()), phrase=phrase, concluded=concluded)
        return sentence.part(0, size.stop - sentence.start) if size else None
    segments = formulas(text)
    if segments:
        found = _among_formulas(sentence, segments, phrase=phrase, concluded=concluded)
        if found:
            return found
    if phrase:
        head = as_value(sentence.without(_EMPHASIS_ENDS)) or _head(sentence)
        if head:
            return head
    links = list(LINK.finditer(text))
    for start in _value_starts(text, links):
        value = as_value(sentence.part(start).strip(" *_,"))
        if value:
            return value
    point = _POINT.search(text)
    if point and (phrase or concluded or links):
        value = as_value(sentence.part(*point.span()))
        if value:
            return value
    if phrase or concluded or links:
        found = _number(sentence, links[-1].end() if links else None, phrase=phrase, sure=concluded)
        if found:
            return found
    return _words(sentence) if phrase else None


def _value_starts(text: str, links: list[re.Match[str]]) -> list[int]:
    """Returns where a value may begin: after the last verb, word or equals sign."""
    if not links:
        return []
    verbs = [link.end() for link in links if link[0] != "="]
    words = [word.end() for word in _WORD.finditer(_blanked(text)) if word[0] not in _MATHEMATICAL]
    return [*verbs[-1:], *words[-1:], links[-1].end()]


def _among_formulas(
    sentence: Piece, segments: list[re.Match[str]], *, phrase: bool, concluded: bool
) -> Piece | None:
    """Returns the formula of a sentence that is its value, if it is clear which."""
    text = sentence.text
    first, last = segments[0], segments[-1]
    rest = text[last.end() :].strip(" .*_,")
    before = text[: first.start()].strip(" *_:")
    if phrase and (not before or re.fullmatch(_SIGN, before)):
        return _listed(sentence, segments)
    has_digits = any(character.isdigit() for character in rest)
    if phrase and _head(sentence):
        return _head(sentence)
    if not has_digits and (len(rest.split()) <= 3 or (concluded and len(segments) == 1)):
        return _listed(sentence, segments, backwards=True)
    return None


def _listed(sentence: Piece, segments: list[re.Match[str]], *, backwards: bool = False) -> Piece:
    """Returns the first formula or the last, with those that only "and" and commas join to it."""
    count = 1
    for before, after in itertools.pairwise(reversed(segments) if backwards else segments):
        if backwards:
            before, after = after, before
        if not _JOINED.fullmatch(sentence.text, before.end(), after.start()):
            break
        count += 1
    chosen = segments[-count:] if backwards else segments[:count]
    start, stop = chosen[0].start(), chosen[-1].end()
    signed = _SIGN_BEFORE.search(sentence.text[:start])
    if signed:
        start = signed.start()
    elif count == 1:
        return sentence.group(chosen[0]).strip()
    return sentence.part(start, stop)


def _head(sentence: Piece) -> Piece | None:
    """Returns the value with which a sentence begins, before its first word of prose."""
    text = _blanked(sentence.text)
    for found in _WORD.finditer(text):
        if found[0] in _MATHEMATICAL or found[0].isupper():
            continue
        head = sentence.part(0, found.start())
        head = head.part(0, len(head.text.rstrip("*_ ,;(:—–")))
        value = as_value(head.part(len(head.text) - len(head.text.lstrip("*_ ,;:"))))
        if value is None:
            return None
        named = _NAMED.search(value.text) and not any(
            c.isdigit() or c in "\\+-*/^=" for c in value.text
        )
        if named and not _CLAUSE.match(text, found.start()):
            return None
        return value
    return None


def _number(sentence: Piece, link: int | None, *, phrase: bool, sure: bool) -> Piece | None:
    """Returns the number that a sentence gives, where that is clear."""
    text = sentence.text
    numbers = list(_NUMBER.finditer(text)) or list(_ANY_NUMBER.finditer(text))
    if not numbers or (phrase and _UNSURE.match(text)):
        return None
    last = numbers[-1]
    if phrase and numbers[0].start() == 0:
        return sentence.part(*numbers[0].span()).strip()
    if phrase or sure or (link is not None and _ends_in(text, link, last)):
        return sentence.part(*last.span()).strip()
    return None


def _ends_in(text: str, link: int, number: re.Match[str]) -> bool:
    """Whether a sentence ends in a number and at most a unit, soon after a verb or a sign."""
    between, rest = text[link : number.start()], text[number.end() :]
    if len(between.split()) > 3 or set(between) & set("+*/^"):
        return False
    return len(rest.split()) <= 2 and len(rest) <= 16


def _words(sentence: Piece) -> Piece | None:
    """Returns the few words that a sentence after a phrase says."""
    styled = _STYLED.match(sentence.text)
    rest = sentence.text[styled.end() :] if styled else ""
    if styled and (not rest.strip(" .*_") or _REASON.match(rest)):
        return sentence.part(*styled.span(1)).strip()
    if not sentence.text[0].isalnum() or _UNSURE.match(sentence.text):
        return None
    said = sentence.without(_REASON)
    return said if said.text and len(said.text.split()) <= 4 else None


def _blanked(text: str) -> str:
    """Returns a text of the same length without the words inside styles."""
    return _STYLED_WORDS.sub(lambda found: " " * len(found[0]), text)


def _is_prose(text: str) -> bool:
    """Returns whether a text has words that are neither mathematics nor the unit of a number."""
    plain = _blanked(text)
    for found in _WORD.finditer(plain):
        if found[0] in _MATHEMATICAL or found[0].isupper():
            continue
        if found[0].lower() in _CLAUSE_WORDS or _COPULA.search(found[0]):
            return True
        before, after = plain[: found.start()], plain[found.end() :]
        return not any(c.isdigit() for c in before) or any(c.isdigit() or c in "$=" for c in after)
    return False


def result_of(value: Piece) -> Piece:
    r"""Returns the right-hand side of a computation, and anything else as it is.

    A computation is an equation with no unknown on its left, a chain of three sides or more that
    ends in a number, one that says the same on both sides, or one of an operator such as an
    integral. The equation of a curve and one that is still to be solved are answers of their own.

    >>> result_of(Piece("3 * 4 = 12")).text, result_of(Piece("2x = 10")).text
    ('12', '2x = 10')
    """
    text = value.text
    signs = list(_EQUALS.finditer(text))
    if (
        not signs
        or text.count("{") != text.count("}")
        or re.search(r"[,;]\s|\\(?:text|mbox)\s*\{\s*(?:and|or)", text)
    ):
        return value
    left = text[: signs[0].start()]
    right = value.part(signs[-1].end()).strip(" $")
    if not right.text or not any(character.isdigit() for character in left):
        return value
    unknown, known = _has_unknown(left), not _has_unknown(right.text)
    if not unknown:
        return right if known else value
    if _OPERATORS.search(left) or (len(signs) > 1 and known):
        return right
    same = read(to_ascii(trim(left)), "latex"), read(to_ascii(trim(right.text)), "latex")
    return right if same[0].key == same[1].key and same[0].kind != "text" else value


def _has_unknown(text: str) -> bool:
    """Returns whether letters stand for numbers in a text, apart from units and words."""
    plain = _UNIT_LETTERS.sub(" ", _COMMANDS.sub(" ", text))
    return _LETTER.search(_CONSTANT_LETTERS.sub(" ", plain)) is not None
