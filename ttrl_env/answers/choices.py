r"""The letter of a multiple-choice answer, where there is exactly one.

- `choice_of`: the letter that an answer (not a whole completion) stands for.
- `find_choice`: the letter that a completion chooses, or None where it is not clear.
"""

from __future__ import annotations

import itertools
import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final, NamedTuple

from ttrl_env.answers.text.boxes import find_box
from ttrl_env.answers.text.normalize import plain_text, to_ascii, trim
from ttrl_env.answers.text.phrases import RETRACTION
from ttrl_env.answers.text.pieces import Piece

__all__ = ["choice_of", "find_choice"]

_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_WINDOW: Final = 1 << 15
_MARKERS: Final = 64
_CORRECTION: Final = 400
_DECORATION: Final = r"[\s:：*_\"'“”‘’`$(\[（【{<>=~–—→.-]"
_STYLED: Final = re.compile(
    r"\\(?:text[a-z]*|math[a-z]+|mbox|hbox|emph|pmb|boldsymbol|bm|underline|operatorname|bbox)\*?"
    r"\s*(?:\[[^\[\]]{0,40}\]\s*)?\{"
    r"|\\(?:rm|bf|it|sf|tt|cal|sc|sl|em|(?:rm|sf|tt)family|bfseries|itshape|(?:display|text|script)style|bold"
    r"|boldmath|tiny|small|normalsize|[lL]arge|LARGE|[hH]uge|quad|qquad)(?![A-Za-z])\s*"
    r"|\\[()\[\]{},;:! ]"
)
_AFTER_MARKER: Final = re.compile(
    rf"{_DECORATION}{{0,12}}(?:(?:is|are|be|would be|should be|must be|option|choice|letter|the|"
    rf"[a-z]+ly|indeed|still|thus|therefore|most|remains|lautet|"
    rf"corrett?[ae]?|correcte?|correcta|richtige|est|es|ist|é|è|l[ae]|el|il|die|der|это|является|будет|"
    rf"是|应该|选项|选|为|為|就|은|는|は|が|هو|هي|ال[صن]\w+|है|：)(?![a-z])"
    rf"{_DECORATION}{{0,8}}){{0,4}}"
    r"(?P<letter>[A-Za-z])(?![A-Za-z0-9]|-[A-Za-z])(?P<rest>.{0,60})",
    re.DOTALL,
)
_STRONG: Final = re.compile(
    r"answers?|choose|select(?:ed)?|finali[sz]e|答案|réponse|respuesta|antwort|resposta|risposta|"
    r"ответ(?:ом)?|उत्तर|答え|正解|解答|정답|해답|답(?=[은는이:]|\s)|جواب|إجابة|اجابة|选择|应选|故选|"
    r"(?:correct|final|conclusion|result|verdict|solution|guess|答)(?=\W{0,4}[:：])|"
    r"\b(?:pick|go(?:ing)?\ (?:with|for)|opt(?:ing)?\ for"
    r"|settl(?:e|ing)\ (?:on|for)|vote\ for|bet\ on)"
    r"(?=\s+(?:option\s+|choice\s+|letter\s+)?\W{0,4}(?-i:[A-Z])(?![A-Za-z0-9]))",
    re.IGNORECASE,
)
_ASKED: Final = re.compile(r"[\s)\]）*_\"'$}]{0,6}[?？]")
"""A letter that is only asked about."""
_ENDED: Final = re.compile(r"[.!?。！？)\]}*\"'$]\s*$|(?<![A-Za-z])[A-Z]\s*$")
_SURE: Final = re.compile(
    r"\b(?i:for\s+sure|sure|definitely|certainly|surely|clearly|obviously|undoubtedly|must\s+be|has\s+to\s+be"
    r"|got\s+to\s+be|gotta\s+be|should\s+be|it\s+is|it['’]s|because|since)[,:]?\s+"
    r"(?:(?:option|choice|answer|letter)\s+)?\(?(?P<letter>[A-Z])(?![A-Za-z0-9'’-])(?P<rest>.{0,40})"
)
_FOR_SURE: Final = re.compile(
    r"(?<![A-Za-z0-9'’-])(?P<letter>[A-Z])\)?\**,?\s+(?:for\s+sure|definitely|certainly|surely|obviously)\b(?P<rest>)"
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
_WITH_TEXT: Final = re.compile(
    r"[\s{(\[*_]*(?:(?:[Oo]ption|[Cc]hoice|[Aa]nswer)\s*:?\s*)?[(\[]?([A-Z])\s*"
    r"(?:[}*_]*[)\]:.]|[}*_]*(?=\()|[}*_]*\s(?=[(\[\d$\\])|[}*_]*\s+-|[}*_]*,\s*(?=[\d$\\]))\s*\S.*",
    re.DOTALL,
)
"""A letter and the text of its option."""
_BRACKETED: Final = re.compile(r"\(([a-z])\)\s")
_ARTICLE: Final = re.compile(r"^\s+(?!because\b|since\b|due\b)[a-z]")
_WORDY: Final = re.compile(r"\s+(?!(?:is|holds|works|fits|matches|gives|satisfies|has)\b)[a-z]")
_PRONOUN: Final = re.compile(r"^(?:['’]|\s+(?!is\b|because\b|since\b|as\b|due\b)[a-z])")
_VERDICT: Final = re.compile(
    r"\b(?P<letter>[A-Z])\)?\**(?:\s+is\s+(?:the\s+)?(?:most\s+|only\s+|final\s+)?"
    r"|\s*[:–—-]\s*\**)(?:[Cc]orrect|[Rr]ight|best|answer|valid)\b"
)
_LEFT: Final = re.compile(
    r"\b(?:leav(?:es|ing)|[Oo]nly)\s+(?:only\s+|us\s+with\s+)?(?:option\s+|choice\s+)?"
    r"\(?(?P<letter>[A-Z])(?![A-Za-z0-9'’-])(?P<rest>.{0,40})"
)


def choice_of(answer: str) -> str | None:
    r"""Returns the letter an answer stands for, in upper case, or None.

    >>> choice_of(r"\text{(c)}"), choice_of("C) 300"), choice_of("cat")
    ('C', 'C', None)
    """
    if len(answer) > 256:
        return None
    text = _STYLED.sub("", trim(to_ascii(answer)))
    found = _ALONE.fullmatch(text) or _WITH_TEXT.fullmatch(text)
    return found[1].upper() if found else None


def _labels(options: Sequence[str] | None) -> tuple[str, dict[str, str]]:
    """Returns the letters allowed, and the letter of each option's text."""
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


class _Plain(NamedTuple):
    """A text without its styles, which remembers the places of what is left.

    Attributes:
        text: The text.
        cuts: Where in it something was left out.
        origins: For each cut, how far what follows it stands from its place in the whole.
    """

    text: str
    cuts: list[int]
    origins: list[int]

    def letter(self, position: int) -> Piece:
        """Returns the letter at a position, as a piece of the whole."""
        origin = self.origins[bisect_right(self.cuts, position) - 1]
        return Piece(self.text[position].upper(), position + origin)


def _without_styles(piece: Piece) -> _Plain:
    parts, cuts, origins = [], [0], [piece.start]
    length = position = 0
    for found in _STYLED.finditer(piece.text):
        parts.append(piece.text[position : found.start()])
        length += found.start() - position
        position = found.end()
        cuts.append(length)
        origins.append(piece.start + position - length)
    parts.append(piece.text[position:])
    return _Plain("".join(parts), cuts, origins)


class _Choice(NamedTuple):
    """A letter, where it stands in the plain text, and the rule that found it."""

    letter: str
    position: int
    rule: str


def find_choice(
    turn: Piece, start: int | None, options: Sequence[str] | None = None
) -> tuple[Piece | None, str]:
    r"""Returns the letter that a completion chooses, with its place, and the rule that found it.

    Where it chooses none or several, return None and why.

    Args:
        turn: The completion.
        start: Where in it the reply begins, or None where the thinking never ends.
        options: The letters that may be chosen, or the texts of the options, which are then
            lettered from A and may be answered by their text. By default A to J.

    Raises:
        ValueError: If there are more options than letters.

    >>> find_choice(Piece("So it is C. **Answer:** (C) 300"), 0)
    (Piece(text='C', start=25), 'marker')
    >>> find_choice(Piece("Answer: A or B"), 0)
    (None, 'no letter is chosen, or more than one')
    """
    letters, texts = _labels(options)
    if start is None:
        return None, "the thinking never ends"
    found, rule = _chosen(turn.part(start), letters, texts)
    if found is None and rule != _SEVERAL and start:
        # A reply that says nothing, such as "ANSWER: [LETTER]", after a thought that ended.
        found, rule = _chosen(turn.part(0, start), letters, texts)
    return (found, rule) if found else (None, "no letter is chosen, or more than one")


_SEVERAL: Final = "several"


def _chosen(said: Piece, letters: str, texts: dict[str, str]) -> tuple[Piece | None, str]:
    """Returns the letter that a reply chooses, and the rule, which may be `_SEVERAL`."""
    box, _ = find_box(said)
    if box is not None:
        letter = _in_box(box.text, letters, texts)
        if letter:
            return Piece(letter, _place(box, letter)), "box"
    plain = _without_styles(said.part(max(0, len(said.text) - _WINDOW)))
    window = plain.text
    stripped = window.strip()
    offset = len(window) - len(window.lstrip())
    alone = _ALONE.fullmatch(stripped) if len(stripped) < 64 else None
    if alone:
        known = alone[1].upper() in letters
        return (plain.letter(offset + alone.start(1)) if known else None), "letter"
    if texts and len(stripped) < 512 and plain_text(stripped) in texts:
        return Piece(texts[plain_text(stripped)], plain.letter(offset).start), "option"
    for pattern in (_STRONG, _WEAK):
        choice = _after_markers(window, pattern, letters, texts)
        if choice is None:
            continue
        if not choice.letter:
            return None, _SEVERAL
        rest = window[choice.position + 1 :]
        corrected = _corrected(rest, letters)
        if corrected is not None:
            return plain.letter(choice.position + 1 + corrected), "correction"
        if RETRACTION.search(rest) and not _ENDED.search(window):
            return None, _SEVERAL  # taken back in a reply that is cut off
        return Piece(choice.letter, plain.letter(choice.position).start), choice.rule
    choice = _by_position(window, letters)
    return (plain.letter(choice.position), choice.rule) if choice else (None, "")


def _place(box: Piece, letter: str) -> int:
    """Returns where a box has its letter, or where it begins if it has the text of an option."""
    found = re.search(rf"(?<![A-Za-z\\]){letter}(?![A-Za-z])", box.text, re.IGNORECASE)
    return box.start + (found.start() if found else 0)


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
) -> _Choice | None:
    """Returns the letter after the last word such as "answer", "" where there are several."""
    titles: dict[str, int] = {}
    for marker in list(pattern.finditer(text))[: -_MARKERS - 1 : -1]:
        found = _AFTER_MARKER.match(text, marker.end())
        if found is None:
            letter = _option_told(text, marker.end(), texts)
            if letter:
                return _Choice(letter, min(marker.end(), len(text) - 1), "option")
            continue
        letter, rest, position = found["letter"], found["rest"], found.start("letter")
        if letter.islower() and re.match(r"\s*[^\W\d]", rest):
            continue  # an article or a word of some language, not a choice
        if letter == "A" and pattern is _WEAK and _ARTICLE.match(rest):
            continue
        if letter == "I" and _PRONOUN.match(rest):
            continue
        if letter.upper() not in letters or _DENIED.match(rest) or _ASKED.match(rest):
            continue
        if pattern is _WEAK and _TOLD.match(rest):
            continue
        if pattern is _WEAK and _TITLE.match(rest):
            titles.setdefault(letter.upper(), position)
            continue
        several = _another(rest, letter.upper(), letters)
        return _Choice("" if several else letter.upper(), position, "marker")
    if len(titles) != 1:
        return None
    # "Option B: ..." is a choice where no other option is gone through.
    letter, position = next(iter(titles.items()))
    return _Choice(letter, position, "marker")


def _option_told(text: str, start: int, texts: dict[str, str]) -> str | None:
    """Returns the letter of the option whose text stands at a place."""
    if not texts:
        return None
    line = plain_text(text[start : start + 256].split("\n")[0].lstrip(" :*_"))
    return texts.get(line.removeprefix("is ").strip(" *_"))


def _another(rest: str, letter: str, letters: str) -> bool:
    """Whether a second letter is chosen with the first: "A or B", but not "A, and B is wrong"."""
    other = _ANOTHER.match(rest)
    if other is None or other["other"] not in letters or other["other"] == letter:
        return False
    return not _DENIED.match(other["then"])


def _corrected(rest: str, letters: str) -> int | None:
    """Returns where a reply ends with a letter, if what leads to it takes another back."""
    if len(rest) > _CORRECTION or not _CORRECTED.search(rest):
        return None
    return _ending(rest, letters)


def _ending(text: str, letters: str) -> int | None:
    """Returns where the letter stands that a reply ends with, as in "so it is B."."""
    text = text.rstrip()
    start = max(0, len(text) - 64)
    last = text[start:]
    ending = _ENDING.search(last)
    if not ending or ending["letter"] not in letters:
        return None
    return None if _DENIAL.search(last[: ending.start()]) else start + ending.start("letter")


def _by_position(window: str, letters: str) -> _Choice | None:
    """Returns the letter that a reply calls correct, ends with or begins with."""
    verdicts = {found["letter"]: found.start("letter") for found in _VERDICT.finditer(window)}
    for found in _LEFT.finditer(window):
        if not _DENIED.match(found["rest"]) and not _another(found["rest"], "", letters):
            verdicts[found["letter"]] = found.start("letter")
    for each in set(verdicts) - set(letters):
        del verdicts[each]
    if len(verdicts) == 1:
        return _Choice(*next(iter(verdicts.items())), "verdict")
    ending = _ending(window, letters)
    if ending is not None:
        return _Choice(window[ending], ending, "ending")
    return _beginning(window, letters) or _said_surely(window, letters)


def _said_surely(window: str, letters: str) -> _Choice | None:
    """Returns the only letter that is said to be sure, as in "for sure D, it can't be A"."""
    sure = {
        found["letter"]: found.start("letter")
        for found in itertools.chain(_SURE.finditer(window), _FOR_SURE.finditer(window))
        if found["letter"] in letters
        and not _DENIED.match(found["rest"])
        and not _ASKED.match(found["rest"])
        and not _DENIAL.search(window[max(0, found.start() - 16) : found.start()])
        and not _another(found["rest"].partition(";")[0], found["letter"], letters)
        and not (
            found["letter"] in "AI"
            and _ARTICLE.match(found["rest"])
            and _WORDY.match(found["rest"])
        )
    }
    return _Choice(*next(iter(sure.items())), "verdict") if len(sure) == 1 else None


def _beginning(window: str, letters: str) -> _Choice | None:
    """Returns the letter that a reply begins with."""
    stripped = window.lstrip()
    offset = len(window) - len(stripped)
    bracketed = _BRACKETED.match(stripped)
    if bracketed and bracketed[1].upper() in letters:
        return _Choice(bracketed[1].upper(), offset + bracketed.start(1), "beginning")
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
    return _Choice(found["letter"], offset + found.start("letter"), "beginning")
