r"""The answer in a completion.

- `extract_answer`: what a completion gives as its answer, or None.
- `find_answer`, `Extraction`: the same, with the rule that found it and its place.
- `RULES`: what each rule means.

The ladder, from the end of what follows the thinking: the last finished box; the last phrase
such as "the answer is"; a last sentence that ends in a value; the only computation. Otherwise
there is no answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from ttrl_env.answers.choices import find_choice
from ttrl_env.answers.formats import AnswerFormat, check_answer_format
from ttrl_env.answers.statements import (
    SEGMENT,
    as_value,
    first_sentence,
    result_of,
    stated,
)
from ttrl_env.answers.text.boxes import find_box
from ttrl_env.answers.text.phrases import (
    CONCLUSION,
    LEAD,
    RETRACTION,
    find_phrases,
    find_values_first,
)
from ttrl_env.answers.text.pieces import Piece
from ttrl_env.answers.text.thinking import reply_start
from ttrl_env.answers.text.turns import own_turn

__all__ = ["RULES", "Extraction", "extract_answer", "find_answer"]

RULES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "box": "the last box",
        "phrase": "a phrase such as 'the answer is'",
        "list": "a list after a phrase such as 'the answers are'",
        "display": "the formula displayed at the end",
        "statement": "the last sentence",
        "computation": "the only computation of the reply",
        "letter": "a reply that is one letter",
        "option": "the text of an option",
        "marker": "a word such as 'answer' or 'option' before a letter",
        "correction": "the letter that takes another back",
        "verdict": "a letter that the reply calls correct",
        "ending": "the letter with which the reply ends",
        "beginning": "the letter with which the reply begins",
    }
)
"""What found an answer, by the name of the rule."""

_WINDOW: Final = 1 << 14
_PHRASES_TRIED: Final = 16
_SENTENCE: Final = 400
_NOISE: Final = re.compile(r"</answer>|###\s*Response|<\|[^<>|]{1,40}\|>")
_CLOSING: Final = re.compile(r"I hope (?:it|this) is correct.*", re.IGNORECASE | re.DOTALL)
_SHOWN: Final = re.compile(r"[\s:*=]*(?:" + SEGMENT.pattern + r")(?=[\s.,*]*(?:\n|$))", re.DOTALL)
_DISPLAYED: Final = re.compile(
    r"(?:\$\$((?:(?!\$\$).){1,400}?)\$\$|\\\[((?:(?!\\\[).){1,400}?)\\\])[\s.*]*$", re.DOTALL
)
_ITEM: Final = re.compile(
    r"\s*\n[ \t]*(?:[-–—+•*]|\(?(?:\d{1,2}|[a-h]|[ivx]{1,4})[.)])[ \t]+(?=\S)"
)
_ITEMS_READ: Final = 32
_ASIDE: Final = re.compile(
    r",?\s+\(?(?:attained|achieved|reached|obtained|occurring|which\s+occurs|when|where|whenever|"
    r"since|because|due\s+to|at(?!\s*[(\[$])|for(?=\s+\$?[a-z]\s*=))\b"
)
_CONTINUED: Final = re.compile(
    r"\s*(?:which\s+(?:is|are)\s+)?(?:attained|achieved|reached|obtained)\b|\s*(?:which\s+occurs|where)\b"
)
_STATED: Final = re.compile(r"[\d$\\½¼¾]")
_FINISHED: Final = re.compile(r"[.!?。！？।؟$)\]}*]\s*$|\\\]$")
_SENTENCES: Final = re.compile(r"(?<!\\)[.!?](?=\s|$|\*)|[。！？।؟]|\n")
_BULLETED: Final = re.compile(r"^[ \t]*[-–•*+][ \t]+\S", re.MULTILINE)
_DIGITS: Final = "0123456789"
_SIGNS: Final = frozenset("-−–﹣－")
_SHORT: Final = 80
_COMPUTATIONS_READ: Final = 64
_COMPUTATION: Final = re.compile(r"[-−(\\$\d][^=\n]*=[^=\n]{1,80}")
_LONGEST_LEFT: Final = 160
_OPERATED: Final = re.compile(r"\d\s*(?:[-+*/×÷·−^]|\\(?:times|cdot|div)|\))")


@dataclass(frozen=True)
class Extraction:
    """The answer that was found in a completion, and how.

    Attributes:
        answer: The answer, or None where the completion gives none.
        start: Where in the completion it begins; -1 without an answer.
        stop: Where it ends, after its last character; -1 without an answer. The text between may
            have more in it than the answer, where this is put together out of a list.
        rule: The name in `RULES` of what found it, or why nothing did.
    """

    answer: str | None
    start: int
    stop: int
    rule: str


def extract_answer(
    text: str, answer_format: AnswerFormat = "latex", options: Sequence[str] | None = None
) -> str | None:
    r"""Returns the answer a completion gives, or None where it gives none.

    The time is linear in the length of the text.

    Args:
        text: The completion. One with `thinking` set (see `Completion`) began inside a thought.
        answer_format: One of `ANSWER_FORMATS`.
        options: For `"choice"`, the letters or the texts that may be chosen.

    Raises:
        ValueError: If `answer_format` is unknown.

    >>> extract_answer(r"<think>\boxed{1}?</think> It is $\boxed{\frac{1}{2}}$.")
    '\\frac{1}{2}'
    >>> extract_answer("I ran out of") is None
    True
    """
    return find_answer(text, answer_format, options).answer


def find_answer(
    text: str,
    answer_format: AnswerFormat = "latex",
    options: Sequence[str] | None = None,
    *,
    thinking: bool | None = None,
) -> Extraction:
    r"""Returns the answer a completion gives, the rule that found it, and where it stands.

    Args:
        text: The completion.
        answer_format: One of `ANSWER_FORMATS`.
        options: For `"choice"`, the letters or the texts that may be chosen.
        thinking: Whether the prompt had opened a thought; by default what a `Completion` says,
            and False for plain text.

    Raises:
        ValueError: If `answer_format` is unknown.

    >>> find_answer(r"Thus \boxed{42}.")
    Extraction(answer='42', start=12, stop=14, rule='box')
    """
    answer_format = check_answer_format(answer_format)
    inside = bool(getattr(text, "thinking", False)) if thinking is None else thinking
    turn = own_turn(str(text))
    start = reply_start(turn.text, thinking=inside)
    if answer_format == "choice":
        found, rule = find_choice(turn, start, options)
        if found is None:
            return Extraction(None, -1, -1, rule)
        return Extraction(found.text.upper(), found.start, found.stop, rule)
    if start is None:
        return Extraction(None, -1, -1, "the thinking never ends")
    said = turn.part(start)
    box, unfinished = find_box(said)
    if box is not None:
        return Extraction(box.text, box.start, box.stop, "box")
    return _without_box(said, unfinished)


def _without_box(said: Piece, unfinished: int | None) -> Extraction:
    """Returns the answer of a reply that has no finished box."""
    number = _long_number(said)
    if number:
        return number
    tail = _last_part(said, _WINDOW)
    # Each mark becomes as many line breaks, so that places stay what they are.
    tail = Piece(_NOISE.sub(lambda found: "\n" * len(found[0]), tail.text), tail.start)
    if unfinished is not None:
        # What is cut off in its box is no answer; only a phrase after it counts.
        tail = tail.part(max(0, said.start + unfinished - tail.start))
    found = _after_phrase(tail)
    if found is None and unfinished is None:
        found = _concluding(tail) or _only_computation(tail)
    if found is None or not found.answer or "\\boxed" in found.answer:
        cut_off = "a box is unfinished" if unfinished is not None else None
        return Extraction(
            None, -1, -1, cut_off or "no finished box, no answer phrase, and no value at the end"
        )
    return found


def _last_part(piece: Piece, size: int) -> Piece:
    """Returns the last characters of a piece; a number that would be cut is left out."""
    start = max(0, len(piece.text) - size)
    part = piece.part(start)
    if start and piece.text[start - 1].isdigit():
        part = part.part(len(part.text) - len(part.text.lstrip(_DIGITS)))
    return part


def _long_number(said: Piece) -> Extraction | None:
    """Returns the number of very many digits with which a reply ends, after a phrase or alone."""
    end = len(said.text.rstrip(" .*_$\n\t"))
    start = len(said.text[:end].rstrip(_DIGITS))
    if end - start <= _SENTENCE:
        return None
    before = said.text[max(0, start - _SENTENCE) : start]
    sign = before[-1:] in _SIGNS
    phrases = find_phrases(before)
    led = before[phrases[-1].end() :] if phrases else before
    if led.strip(" $*_:\n\t" + "".join(_SIGNS)):
        return None
    return _extraction(said.part(start - sign, end), "phrase" if phrases else "statement")


def _extraction(piece: Piece | None, rule: str) -> Extraction | None:
    if piece is None:
        return None
    piece = piece.strip()
    text = piece.text
    worded = re.match(r"(?:minus|negative)\s+", text, re.IGNORECASE)
    if worded:
        text = "-" + text[worded.end() :]
    return Extraction(text, piece.start, piece.stop, rule) if text else None


def _after_phrase(tail: Piece) -> Extraction | None:
    """Returns what the last phrase that announces a value announces."""
    text = tail.text
    markers = find_phrases(text)
    first = _value_first(tail, markers[-1].end() if markers else 0)
    if first:
        return _extraction(first, "phrase")
    for marker in markers[: -_PHRASES_TRIED - 1 : -1]:
        rest = tail.part(marker.end(), marker.end() + _SENTENCE)
        if len(rest.text) == _SENTENCE:
            rest = rest.part(0, len(rest.text.rstrip(_DIGITS)))  # no number that would be cut
        listed = _items(rest)
        if listed:
            return listed
        found, after = _announced(rest)
        if found is None:
            continue
        following = text[after - tail.start :]
        if RETRACTION.search(following) and not _FINISHED.search(text.rstrip()):
            return None  # taken back in a reply that is cut off
        return _extraction(found, "phrase")
    return None


def _value_first(tail: Piece, after: int) -> Piece | None:
    """Returns the value of the last "42 is the answer", if it ends after a position."""
    for found, start, end in find_values_first(tail.text):
        if end < after:
            return None
        candidate = tail.part(start).group(found).strip("*_,;:")
        before = start + found.start() - 1
        if before >= 0 and tail.text[before] in _SIGNS:
            candidate = tail.part(before, candidate.stop - tail.start)
        if _STATED.search(candidate.text) or candidate.text[:1] in _SIGNS or found[4] is None:
            value = as_value(candidate)
            if value:
                return value
    return None


def _announced(rest: Piece) -> tuple[Piece | None, int]:
    """Returns the value after a phrase, and where its sentence ends."""
    rest = rest.without(_CLOSING)
    shown = _SHOWN.match(rest.text)
    if shown:
        return rest.group(shown).strip(), rest.start + shown.end()
    sentence = first_sentence(rest.after(LEAD))
    if rest.text[sentence.stop - rest.start :][:1] in {"?", "？", "؟"}:
        return None, sentence.stop
    value = stated(sentence, phrase=True)
    return (None if value is None else result_of(value)), sentence.stop


def _items(rest: Piece) -> Extraction | None:
    """Returns the values of a list right after a phrase, if there are several."""
    position = re.match(r"[\s:：*_]*?(?=\s*\n)", rest.text)
    values: list[Piece] = []
    place = position.end() if position else 0
    for _ in range(_ITEMS_READ):
        found = _ITEM.match(rest.text, place)
        if found is None:
            break
        end = rest.text.find("\n", found.end())
        line = rest.part(found.end(), None if end < 0 else end)
        value = stated(first_sentence(line), phrase=True)
        if value is None:
            break
        values.append(value)
        place = line.stop - rest.start
    if len(values) < 2:
        return None
    answer = ", ".join(value.text for value in values)
    return Extraction(answer, values[0].start, values[-1].stop, "list")


def _concluding(tail: Piece) -> Extraction | None:
    """Returns the value that the last sentence states, if that is how a reply ends."""
    tail = tail.without(_CLOSING)
    tail = tail.part(0, len(tail.text.rstrip("` \t\r\n")))
    lines = _lines(tail)
    if not lines:
        return None
    if len(lines) > 1 and _CONTINUED.match(lines[-1].text):
        tail = tail.part(0, lines.pop().start - tail.start)
        tail = tail.part(0, len(tail.text.rstrip()))
    shown = _DISPLAYED.search(tail.text, max(0, len(tail.text) - _SENTENCE))
    if shown and len(lines) > 1:
        whole = as_value(tail.group(shown))
        if whole:
            return _extraction(result_of(whole), "display")
    last = lines[-1].strip()
    text = last.text
    # A formula that is cut off is the end of the completion, not of the reasoning.
    cut_off = text.count("{") != text.count("}") or text.count("\\[") > text.count("\\]")
    if cut_off or not _STATED.search(text):
        return None
    if len(lines) > 1 or "=" in text or "$" in text:
        item = _BULLETED.match(text) and _is_item(tail, lines)
        whole = as_value(last.part(1).strip() if item else last) if len(text) < 200 else None
        if whole:
            return _extraction(result_of(whole), "statement")
    if text.rstrip("*_ ")[-1:].isalpha() and text.isascii() and len(lines) > 1 and len(text) > 200:
        return None
    if not _FINISHED.search(text) and (len(lines) > 1 or len(text) > _SHORT):
        return None
    pieces = [piece for piece in _split(last) if piece.text.strip(" *_")]
    if not pieces or text.endswith("?"):
        return None
    sentence = _last_part(pieces[-1], _SENTENCE).after(LEAD)
    concluded = bool(CONCLUSION.search(text))
    value = stated(sentence.without(_ASIDE), phrase=False, concluded=concluded)
    value = value or stated(sentence, phrase=False, concluded=concluded)
    return _extraction(None if value is None else result_of(value), "statement")


def _is_item(tail: Piece, lines: list[Piece]) -> bool:
    """Returns whether the last line, which begins with a dash and a space, is an item of a list."""
    if len(lines) > 1 and lines[-2].text.rstrip().endswith((":", "：")):
        return True
    return len(_BULLETED.findall(tail.text[-_SENTENCE * 4 :])) > 1


def _lines(tail: Piece) -> list[Piece]:
    """Returns the lines of a text that are not blank."""
    lines, start = [], 0
    for line in tail.text.split("\n"):
        if line.strip():
            lines.append(tail.part(start, start + len(line)))
        start += len(line) + 1
    return lines


def _split(piece: Piece) -> list[Piece]:
    """Returns the sentences of a line."""
    pieces, start = [], 0
    for found in _SENTENCES.finditer(piece.text):
        pieces.append(piece.part(start, found.start()))
        start = found.end()
    return [*pieces, piece.part(start)]


def _only_computation(tail: Piece) -> Extraction | None:
    """Returns the one value that a finished reply computes in a sentence of its own, if it does."""
    text = tail.text.rstrip()
    if not _FINISHED.search(text) or RETRACTION.search(text):
        return None
    results: dict[str, Piece] = {}
    sentences = _split(tail)
    if len(sentences) > _COMPUTATIONS_READ:
        return None
    for sentence in sentences:
        equals = sentence.text.find("=")
        near = max(0, equals - _LONGEST_LEFT)
        found = _COMPUTATION.search(sentence.text, near) if equals > 0 else None
        if found is None or not _OPERATED.search(found[0]):
            continue
        whole = as_value(sentence.part(*found.span()))
        result = whole and result_of(whole)
        if whole and result and result != whole:
            results[result.text.strip()] = result
    return _extraction(next(iter(results.values())), "computation") if len(results) == 1 else None
