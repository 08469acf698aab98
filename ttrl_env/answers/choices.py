r"""The letter of a multiple-choice answer, where there is exactly one.

- `choice_of`: the letter that an answer (not a whole completion) stands for.
- `extract_choice`: the letter that a completion chooses, or None where it is not clear.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from ttrl_env.answers.text.boxes import last_box, reply
from ttrl_env.answers.text.normalize import plain_text, to_ascii, trim

__all__ = ["choice_of", "extract_choice"]

_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_WINDOW: Final = 1 << 15
_MARKERS: Final = 64
_CORRECTION: Final = 400
_DECORATION: Final = r"[\s:：*_\"'“”‘’`$(\[（【{<>=~–—→.-]"
_STYLED: Final = re.compile(
    r"\\(?:text|textbf|textit|textsf|textrm|mathrm|mathbf|mathsf)\s*\{|\\[()\[\]{},;:! ]"
)
_AFTER_MARKER: Final = re.compile(
    rf"{_DECORATION}{{0,12}}(?:(?:is|are|be|would be|should be|must be|option|choice|letter|the|"
    rf"[a-z]+ly|indeed|still|thus|therefore|most|remains|lautet|"
    rf"corrett?[ae]?|correcte?|correcta|richtige|est|es|ist|é|è|是|选项|选|为|은|는|は|：)(?![a-z])"
    rf"{_DECORATION}{{0,8}}){{0,4}}"
    r"(?P<letter>[A-Za-z])(?![A-Za-z0-9]|-[A-Za-z])(?P<rest>.{0,60})",
    re.DOTALL,
)
_STRONG: Final = re.compile(
    r"answers?|choose|select(?:ed)?|finali[sz]e|答案|réponse|respuesta|antwort|resposta|risposta|"
    r"ответ|उत्तर|答え|정답|选择|应选|故选|"
    r"(?:correct|final|conclusion|result|verdict|solution|guess|答)(?=\W{0,4}[:：])",
    re.IGNORECASE,
)
_WEAK: Final = re.compile(r"option|choice|选项", re.IGNORECASE)
_ANOTHER: Final = re.compile(
    r"^[ \t)\]）*_\"'$}]{0,6}(?:(?:[,;/、&|+]|or\b|and\b|ou\b|y\b|或|和)[\s/(*_\"'（]{0,4}"
    r"(?:(?:or|and|maybe|perhaps|possibly|even)\s+)?[\s(*_\"'（]{0,4}|[ \t]+)"
    r"(?P<other>[A-Z])(?![A-Za-z0-9'’])(?P<then>.{0,24})"
)
_DENIED: Final = re.compile(
    r"^[\s)\]）*_\"'$}]{0,6}(?:(?:is|are|was|can|could|would|seems?|looks?|be|clearly|also|definitely)"
    r"\s+){0,4}(?:not\b|n't|cannot|can't|isn't|incorrect|wrong|false|invalid|impossible|eliminated|"
    r"ruled|excluded|不(?!是))"
)
_TOLD: Final = re.compile(
    r"^[)\]）*_\"'$}]{0,6}[ \t](?!(?:is|as|was|matches|fits|works|satisfies|agrees|follows|aligns|"
    r"corresponds)\b)(?:[a-z]+s|would|could|might|may|can)\b"
)
"""An option that something is said about, such as "option A gives 3"."""
_TITLE: Final = re.compile(r"^[\s)\]）*_]{0,6}[:：]")
_CORRECTED: Final = re.compile(
    r"\b(?:wait|actually|correction|correcting|rather|instead|sorry|reconsider|scratch|go with)\b",
    re.IGNORECASE,
)
_LEADING: Final = re.compile(
    r"^[\s*_\"'“`$(\[（【{<=>→∴]{0,8}(?P<letter>[A-Z])(?P<after>[\s)\]）】.:：,，。*_\"'$}]|[^\x00-\x7f]|$)"
    r"(?P<rest>.{0,60})",
    re.DOTALL,
)
_ENDING: Final = re.compile(
    r"(?:\b(?:is|be|[Ss]o|[Tt]hus|[Hh]ence|[Tt]herefore|but|think|say|choose|pick|go with|matches|"
    r"corresponds to|es|est|ist|é|è)|['’]s|[→∴⇒]|(?<!不)是|选|为|は|هي)"
    rf"(?:,\s)?{_DECORATION}{{0,8}}"
    r"(?P<letter>[A-Z])[\s)\]）*_\"'”’.。!]*(?:です。?)?$"
)
_DENIAL: Final = re.compile(r"(?:\bnot|n['’]t|\bcannot|\bnever)\s*$")
_LABEL: Final = re.compile(r"^[\s*_(\[]{0,6}([A-Z])\**[)\].:]", re.MULTILINE)
_ALONE: Final = re.compile(r"[\s*_\"'“”`$(\[（【{<=>→∴]*([A-Za-z])[\s*_\"'“”`$)\]）】}>.。:]*")
_BRACKETED: Final = re.compile(r"\(([a-z])\)\s")
_ARTICLE: Final = re.compile(r"^\s+(?!because\b|since\b|due\b)[a-z]")
_PRONOUN: Final = re.compile(r"^(?:['’]|\s+(?!is\b|because\b|since\b|as\b|due\b)[a-z])")
_VERDICT: Final = re.compile(
    r"\b(?P<letter>[A-Z])\)?\**(?:\s+is\s+(?:the\s+)?(?:most\s+|only\s+|final\s+)?"
    r"|\s*[:–—-]\s*\**)(?:[Cc]orrect|[Rr]ight|best|answer)\b"
)
_LEFT: Final = re.compile(
    r"\b(?:leav(?:es|ing)|[Oo]nly)\s+(?:only\s+|us\s+with\s+)?(?:option\s+|choice\s+)?"
    r"\(?(?P<letter>[A-Z])(?![A-Za-z0-9'’-])(?P<rest>.{0,40})"
)


def choice_of(answer: str) -> str | None:
    r"""Return the letter an answer stands for, in upper case, or None.

    >>> choice_of(r"\text{(c)}"), choice_of("C) 300"), choice_of("cat")
    ('C', 'C', None)
    """
    if len(answer) > 256:
        return None
    text = _STYLED.sub("", trim(to_ascii(answer)))
    found = _ALONE.fullmatch(text)
    if found:
        return found[1].upper()
    found = re.fullmatch(r"[(\[]?([A-Z])\s*}?[)\]:.]\s*\S.*", text, re.DOTALL)
    return found[1] if found else None


def _labels(options: Sequence[str] | None) -> tuple[str, dict[str, str]]:
    """Return the letters allowed, and the letter of each option's text."""
    if options is None:
        return _LETTERS[:10], {}
    stripped = [option.strip() for option in options]
    if all(len(option) == 1 and option.isalpha() for option in stripped):
        return "".join(stripped).upper(), {}
    if len(stripped) > len(_LETTERS):
        raise ValueError(f"at most {len(_LETTERS)} options can be lettered; got {len(stripped)}")
    letters = _LETTERS[: len(stripped)]
    return letters, {
        plain_text(text): letter for text, letter in zip(stripped, letters, strict=True)
    }


def extract_choice(text: str, options: Sequence[str] | None = None) -> str | None:
    r"""Return the letter that a completion chooses, or None where it chooses none or several.

    Args:
        text: The completion.
        options: The letters that may be chosen, or the texts of the options, which are then
            lettered from A and may be answered by their text. By default A to J.

    >>> extract_choice("So it is C. **Answer:** (C) 300"), extract_choice("Answer: A or B")
    ('C', None)
    """
    letters, texts = _labels(options)
    tail = reply(text)
    if tail is None:
        return None
    found = _chosen(tail, letters, texts)
    if found is None and len(tail) < len(text):
        found = _chosen(text[: len(text) - len(tail)], letters, texts)
    return found or None


def _chosen(text: str, letters: str, texts: dict[str, str]) -> str | None:
    """Return the letter, "" where the text is ambiguous, or None where it says nothing."""
    boxed = last_box(text)
    if boxed is not None:
        letter = _in_box(boxed, letters, texts)
        if letter:
            return letter
    window = _STYLED.sub("", text[-_WINDOW:])
    stripped = window.strip()
    alone = _ALONE.fullmatch(stripped) if len(stripped) < 64 else None
    if alone:
        return alone[1].upper() if alone[1].upper() in letters else None
    if texts and len(stripped) < 512 and plain_text(stripped) in texts:
        return texts[plain_text(stripped)]
    for pattern in (_STRONG, _WEAK):
        said, end = _after_markers(window, pattern, letters, texts)
        if said is not None:
            return _corrected(window[end:], letters) or said
    return _by_position(window, stripped, letters)


def _in_box(content: str, letters: str, texts: dict[str, str]) -> str | None:
    if texts and len(content) < 512:
        letter = texts.get(plain_text(content))
        if letter:
            return letter
    letter = choice_of(content)
    if letter is None and len(content) < 256:
        plain = _STYLED.sub("", content)
        found = list(_STRONG.finditer(plain))
        after = _AFTER_MARKER.match(plain, found[-1].end()) if found else None
        letter = after["letter"].upper() if after else None
    return letter if letter and letter in letters else None


def _after_markers(
    text: str, pattern: re.Pattern[str], letters: str, texts: dict[str, str]
) -> tuple[str | None, int]:
    """Return the letter after the last word such as "answer", and where it ends."""
    titles: dict[str, int] = {}
    for marker in list(pattern.finditer(text))[: -_MARKERS - 1 : -1]:
        found = _AFTER_MARKER.match(text, marker.end())
        if found is None:
            if texts:
                line = plain_text(
                    text[marker.end() : marker.end() + 256].split("\n")[0].lstrip(" :*_")
                )
                letter = texts.get(line.removeprefix("is ").strip(" *_"))
                if letter:
                    return letter, len(text)
            continue
        letter, rest = found["letter"], found["rest"]
        if letter.islower() and re.match(r"\s*[^\W\d]", rest):
            continue  # an article or a word of some language, not a choice
        if letter == "A" and pattern is _WEAK and _ARTICLE.match(rest):
            continue
        if letter == "I" and _PRONOUN.match(rest):
            continue
        if letter.upper() not in letters or _DENIED.match(rest):
            continue
        if pattern is _WEAK and _TOLD.match(rest):
            continue
        if pattern is _WEAK and _TITLE.match(rest):
            titles.setdefault(letter.upper(), found.end("letter"))
            continue
        if _another(rest, letter.upper(), letters):
            return "", found.end("letter")
        return letter.upper(), found.end("letter")
    # "Option B: ..." is a choice where no other option is gone through.
    return next(iter(titles.items())) if len(titles) == 1 else (None, 0)


def _another(rest: str, letter: str, letters: str) -> bool:
    """Whether a second letter is chosen with the first: "A or B", but not "A, and B is wrong"."""
    other = _ANOTHER.match(rest)
    if other is None or other["other"] not in letters or other["other"] == letter:
        return False
    return not _DENIED.match(other["then"])


def _corrected(rest: str, letters: str) -> str | None:
    """Return the letter that a reply ends with, if what leads to it takes another back."""
    if len(rest) > _CORRECTION or not _CORRECTED.search(rest):
        return None
    return _ending(rest.strip(), letters)


def _ending(stripped: str, letters: str) -> str | None:
    """Return the letter that a reply ends with, as in "so it is B."."""
    ending = _ENDING.search(stripped[-64:])
    if not ending or ending["letter"] not in letters:
        return None
    return None if _DENIAL.search(stripped[-64:][: ending.start()]) else ending["letter"]


def _by_position(window: str, stripped: str, letters: str) -> str | None:
    """Return the letter that a reply calls correct, ends with or begins with."""
    verdicts = {found["letter"] for found in _VERDICT.finditer(window)}
    verdicts |= {
        found["letter"]
        for found in _LEFT.finditer(window)
        if not _DENIED.match(found["rest"]) and not _another(found["rest"], "", letters)
    }
    verdicts &= set(letters)
    if len(verdicts) == 1:
        return verdicts.pop()
    ending = _ending(stripped, letters)
    if ending:
        return ending
    bracketed = _BRACKETED.match(stripped)
    if bracketed and bracketed[1].upper() in letters:
        return bracketed[1].upper()
    found = _LEADING.match(stripped)
    if not found or found["letter"] not in letters or _DENIED.match(found["rest"]):
        return None
    if len({label for label in _LABEL.findall(window) if label in letters}) > 1:
        return None  # the options, told one after another
    if found["after"].isspace() and _ARTICLE.match(" " + found["rest"]):
        return None
    if found["rest"].startswith("="):
        return None  # a quantity
    if _another(found["after"] + found["rest"], found["letter"], letters):
        return None
    return found["letter"]
