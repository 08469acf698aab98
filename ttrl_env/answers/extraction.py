r"""The answer in a completion.

- `extract_answer`: what a completion gives as its answer, or None.

The ladder, from the end of what follows the thinking: the last finished box; the last phrase
such as "the answer is"; a last sentence that ends in a value. Otherwise there is no answer.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import Final

from ttrl_env.answers.choices import extract_choice
from ttrl_env.answers.formats import AnswerFormat, check_answer_format
from ttrl_env.answers.formula.vocabulary import CONSTANTS, GREEK, JOINERS, UNITS, WORD_FUNCTIONS
from ttrl_env.answers.keys import read
from ttrl_env.answers.text.boxes import last_box, reply
from ttrl_env.answers.text.normalize import to_ascii, trim

__all__ = ["extract_answer"]

_WINDOW: Final = 1 << 14
_MARKERS: Final = 16
_SENTENCE: Final = 400
_MARK: Final = re.compile(r"<\|[^<>|]{1,40}\|>|</?s>|<eos>|<end_of_turn>|</answer>|###\s*Response")
_PHRASE: Final = re.compile(
    r"""
    \#\#\#\# | <answer>
  | \b(?:answer|result|solution)
    (?:(?:s|\ set)?(?:\s+(?:is|are|should\ be|must\ be|will\ be|becomes|equals|comes\ to|=)|\s*[:=])
      |[*_]{0,2}\s+(?:of\s+)?(?=[$\\\d-]))
  | 答案(?:是|为|：|:)? | 结果(?:是|为|：|:)
  | (?:ответ|respuesta|réponse|antwort|resposta|risposta|resultado|résultat|ergebnis|risultato)
    (?:\s+(?:est|es|ist|é|è)|\s*[:=]) | 答え(?:は|：|:) | 답(?:은|:)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_BEFORE: Final = re.compile(
    r"(?:\$([^$]{1,300})\$|(?<!\S)([-−]?\d[\d.,/]{0,40}))\s*(?:is|are)\s+(?:the|our|my)\s+(?:final\s+)?(?:answer|solution|result)"
)
_SENTENCE_END: Final = re.compile(r"[.!?](?=\s|$|\*)|[。！？।]|\n\s*\n|\n(?=\S)")
_CLOSING: Final = re.compile(r"I hope (?:it|this) is correct.*", re.IGNORECASE | re.DOTALL)
_LEAD: Final = re.compile(
    r"^(?:[\s:：*_#>–—=~-]+(?=[^\d.\s])|[\s:：*_#>=]+|that\b|therefore\b|simply\b|just\b|now\b|thus\b|so\b|hence\b|then\b|approximately\b|about\b|,)+",
    re.IGNORECASE,
)
_SEGMENT: Final = re.compile(
    r"\$\$(.{1,400}?)\$\$|\$([^$\n]{1,400})\$|\\\((.{1,400}?)\\\)|\\\[(.{1,400}?)\\\]", re.DOTALL
)
_SHOWN: Final = re.compile(r"[\s:*=]*(?:" + _SEGMENT.pattern + r")(?=[\s.,*]*(?:\n|$))", re.DOTALL)
_DISPLAYED: Final = re.compile(
    r"(?:\$\$((?:(?!\$\$).){1,400}?)\$\$|\\\[((?:(?!\\\[).){1,400}?)\\\])[\s.*]*$", re.DOTALL
)
_PROSE: Final = re.compile(r"(?<![A-Za-z\\])[A-Za-z]{2,}(?:['’][a-z]+)?")
_STYLED_WORDS: Final = re.compile(r"\\[a-z]+\s*\{[A-Za-z ,.]*\}")
_NUMBER: Final = re.compile(
    r"(?<![\w.])[-−+]?\s?[$€£]?(?:\\frac\s?\{[^{}]{1,20}\}\{[^{}]{1,20}\}|\d+(?:[,.]\d+)*(?:\s?/\s?\d+)?[½¼¾]?)"
    r"(?:\s?\\?%)?"
)
_ANY_NUMBER: Final = re.compile(
    r"(?:\\frac\s?\{[^{}]{1,20}\}\{[^{}]{1,20}\}|\d+(?:[,.]\d+)*(?:/\d+)?)(?:\s?\\?%)?"
)
_LINK: Final = re.compile(
    r"\b(?:is|are|equals?|be|was|were|gives?|yields?|get|gets|got|obtain|becomes|total\s+of)\b|['’]s\b|[=:：是为]"
)
_JOINED: Final = re.compile(r"\s*(?:,\s*)?(?:(?:and|or)\s*)?")
_ASIDE: Final = re.compile(
    r",?\s+\(?(?:attained|achieved|reached|obtained|occurring|which\s+occurs|when|where|whenever|"
    r"at(?!\s*[(\[$])|for(?=\s+\$?[a-z]\s*=))\b.*"
)
_CONTINUED: Final = re.compile(
    r"\s*(?:which\s+(?:is|are)\s+)?(?:attained|achieved|reached|obtained)\b|\s*(?:which\s+occurs|where)\b"
)
_POINT: Final = re.compile(r"[(\[][^()\[\]$]{1,80},[^()\[\]$]{1,80}[)\]](?=[.\s*_]*$)")
_OTHERWISE: Final = re.compile(
    r"\s*\((?:or|i\.e\.|that is|approximately|about|approx)\b[^()]*\)[\s.]*$"
)
_REASON: Final = re.compile(r",?\s+(?:since|because|as)\b")
_STATED: Final = re.compile(r"[\d$\\]")
_UNSURE: Final = re.compile(r"(?:not|un\w+|impossible|cannot)\b", re.IGNORECASE)
_MATHEMATICAL: Final = WORD_FUNCTIONS | frozenset(CONSTANTS) | GREEK | JOINERS | UNITS
_FINISHED: Final = re.compile(r"[.!?。！？।$)\]}*]\s*$|\\\]$")
_SHORT: Final = 80
_CONCLUSION: Final = re.compile(
    r"\b(?:thus|so|therefore|hence|in total|altogether|finally|in conclusion|conclusion)\b|"
    r"因此|所以|总共|结论|इसलिए|поэтому|donc|por lo tanto",
    re.IGNORECASE,
)


def extract_answer(
    text: str, answer_format: AnswerFormat = "latex", options: Sequence[str] | None = None
) -> str | None:
    r"""Return the answer a completion gives, or None where it gives none.

    The time is linear in the length of the text.

    Args:
        text: The completion.
        answer_format: One of `ANSWER_FORMATS`.
        options: For `"choice"`, the letters or the texts that may be chosen.

    Raises:
        ValueError: If `answer_format` is unknown.

    >>> extract_answer(r"<think>\boxed{1}?</think> It is $\boxed{\frac{1}{2}}$.")
    '\\frac{1}{2}'
    >>> extract_answer("I ran out of") is None
    True
    """
    if check_answer_format(answer_format) == "choice":
        return extract_choice(text, options)
    said = reply(text)
    if said is None:
        return None
    boxed = last_box(said)
    if boxed is not None:
        return boxed
    tail = _MARK.sub("\n", said[-_WINDOW:])
    answer = _after_phrase(tail) or _concluding(tail)
    return answer if answer and "\\boxed" not in answer else None


def _after_phrase(text: str) -> str | None:
    before = list(_BEFORE.finditer(text))
    markers = list(_PHRASE.finditer(text))
    if before and (not markers or before[-1].end() >= markers[-1].end()):
        return (before[-1][1] or before[-1][2]).strip()
    for marker in markers[: -_MARKERS - 1 : -1]:
        rest = text[marker.end() : marker.end() + _SENTENCE]
        shown = _SHOWN.match(rest)
        if shown:
            return _value_of(shown)
        sentence = _sentence(rest)
        value = _value_in(sentence, phrase=True)
        if value:
            return value
    return None


def _sentence(text: str) -> str:
    """Return the first sentence of a text, without what leads up to its content."""
    text = _CLOSING.sub("", text)
    text = _LEAD.sub("", text)
    position = 0
    for found in _SENTENCE_END.finditer(text):
        inside = text[: found.start()]
        if inside.count("$") % 2 or inside.count("{") > inside.count("}"):
            continue
        if inside.strip(" *_#"):
            position = found.start()
            return text[:position]
    return text


def _value_in(sentence: str, *, phrase: bool, concluded: bool = False) -> str | None:
    """Return the value a sentence states, if it states one."""
    sentence = _OTHERWISE.sub("", sentence.strip().strip("*_ ").strip())
    if not sentence:
        return None
    whole = _as_value(sentence)
    if whole:
        return whole
    segments = list(_SEGMENT.finditer(sentence))
    if segments:
        last = segments[-1]
        rest = sentence[last.end() :].strip(" .*_,")
        first = segments[0]
        if phrase and not sentence[: first.start()].strip(" *_:"):
            return _listed(sentence, segments)
        if len(rest.split()) <= 3 and not any(character.isdigit() for character in rest):
            return _listed(sentence, segments, backwards=True)
        if concluded and len(segments) == 1 and not any(character.isdigit() for character in rest):
            return _value_of(first)
    links = list(_LINK.finditer(sentence))
    if links:
        value = _as_value(sentence[links[-1].end() :].strip(" *_"))
        if value:
            return value
    point = _POINT.search(sentence)
    if point and (phrase or concluded or links) and _as_value(point[0]):
        return point[0]
    if phrase or concluded or links:
        numbers = _NUMBER.findall(sentence) or _ANY_NUMBER.findall(sentence)
        if numbers and (phrase or concluded or _ends_in(sentence, links[-1].end(), numbers[-1])):
            return str(
                numbers[0] if phrase and sentence.startswith(numbers[0]) else numbers[-1]
            ).strip()
    if phrase and sentence[0].isalnum() and not _UNSURE.match(sentence):
        said = _REASON.split(sentence, maxsplit=1)[0]
        return said if said and len(said.split()) <= 4 else None
    return None


def _ends_in(sentence: str, link: int, number: str) -> bool:
    """Whether a sentence ends in a number and at most a unit, soon after a verb or a sign."""
    position = sentence.rindex(number)
    between, rest = sentence[link:position], sentence[position + len(number) :]
    if len(between.split()) > 3 or set(between) & set("+*/^"):
        return False
    return len(rest.split()) <= 2 and len(rest) <= 16


def _value_of(segment: re.Match[str]) -> str:
    inside = next(group for group in segment.groups() if group is not None)
    return inside.strip()


def _listed(sentence: str, segments: list[re.Match[str]], *, backwards: bool = False) -> str:
    """Return the first formula or the last, with those that only "and" and commas join to it."""
    count = 1
    for before, after in itertools.pairwise(reversed(segments) if backwards else segments):
        if backwards:
            before, after = after, before
        if not _JOINED.fullmatch(sentence, before.end(), after.start()):
            break
        count += 1
    if count == 1:
        return _value_of(segments[-1 if backwards else 0])
    chosen = segments[-count:] if backwards else segments[:count]
    return sentence[chosen[0].start() : chosen[-1].end()]


def _as_value(text: str) -> str | None:
    """Return `text` if it reads as a formula."""
    text = trim(text)
    if not text or len(text) > 200 or _is_prose(text):
        return None
    reading = read(to_ascii(text), "latex")
    return text if reading.kind != "text" else None


def _is_prose(text: str) -> bool:
    """Whether a text has words that are neither mathematics nor the unit of a number."""
    plain = _STYLED_WORDS.sub(" ", text)
    for found in _PROSE.finditer(plain):
        if found[0] in _MATHEMATICAL or found[0].isupper():
            continue
        before, after = plain[: found.start()], plain[found.end() :]
        return not any(c.isdigit() for c in before) or any(c.isdigit() or c in "$=" for c in after)
    return False


def _concluding(text: str) -> str | None:
    """Return the value that the last sentence states, if that is how it ends."""
    text = text.rstrip("` \t\r\n")
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines:
        return None
    if len(lines) > 1 and _CONTINUED.match(lines[-1]):
        text = text[: text.rindex(lines.pop())].rstrip()
    shown = _DISPLAYED.search(text, max(0, len(text) - _SENTENCE))
    if shown and len(lines) > 1:
        whole = _as_value(next(group for group in shown.groups() if group is not None))
        if whole:
            return _last_side(whole)
    last = lines[-1].strip()
    # A formula that is cut off is the end of the completion, not of the reasoning.
    cut_off = last.count("{") != last.count("}") or last.count("\\[") > last.count("\\]")
    if cut_off or not _STATED.search(last):
        return None
    if len(lines) > 1 or "=" in last or "$" in last:
        whole = _as_value(last) if len(last) < 200 else None
        if whole:
            return _last_side(whole)
    if last.rstrip("*_ ")[-1:].isalpha() and last.isascii() and len(lines) > 1 and len(last) > 200:
        return None
    if not _FINISHED.search(last) and (len(lines) > 1 or len(last) > _SHORT):
        return None
    pieces = [piece for piece in _SENTENCE_END.split(last) if piece.strip(" *_")]
    sentence = _LEAD.sub("", pieces[-1][-_SENTENCE:]) if pieces else ""
    concluded = bool(_CONCLUSION.search(last))
    value = _value_in(_ASIDE.sub("", sentence), phrase=False, concluded=concluded)
    value = value or _value_in(sentence, phrase=False, concluded=concluded)
    return _last_side(value) if value else None


def _last_side(value: str) -> str:
    """Return the right-hand side of a computation such as `3 * 4 = 12`."""
    sides = value.split("=")
    if len(sides) > 1 and sides[-1].strip(" $") and any(c.isdigit() for c in sides[0]):
        return sides[-1].strip(" $")
    return value
