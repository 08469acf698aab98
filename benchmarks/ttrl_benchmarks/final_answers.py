r"""The final answers that worked solutions mark, as those of GSM8K and MATH do.

- `final_answer`: the answer after `####`, in the last `\boxed{}`, or after "The answer is".
- `is_prose`: whether a label is a text rather than an answer.
"""

from __future__ import annotations

import re

__all__ = ["final_answer", "is_prose"]

_BOX = re.compile(r"\\f?boxed\s*\{")
_SIGNS, _METAMATH = "####", "The answer is"
_SENTENCE = re.compile(
    r"(?:^|[.\n]\s*|\b(?:so|thus|hence|therefore),?\s+)the (?:final |correct )?answer is:?\s+"
    r"(\S[^\n]{0,199}?)\.?\s*\Z",
    re.IGNORECASE,
)
_COMMAND = re.compile(r"\\[A-Za-z]+")
_WORD = re.compile(r"[^\W\d_]{2,}")
_MOST_WORDS = 8
_MOST_CHARACTERS = 300


def final_answer(text: str) -> str | None:
    r"""Returns the final answer that a worked solution marks, or `None` where it marks none.

    >>> final_answer("She sold 48 + 24 = 72 clips.\n#### 72")
    '72'
    >>> final_answer(r"So $x = \boxed{\frac{1}{2}}$.")
    '\\frac{1}{2}'
    >>> final_answer("Two and two make four. The answer is: 4.")
    '4'
    >>> final_answer("42") is None
    True
    """
    marked = _after_signs(text)
    if marked is not None:
        return marked
    boxes = list(_BOX.finditer(text))
    if boxes:
        return _content(text, boxes[-1].end())
    sentence = _SENTENCE.search(text[-400:])
    return None if sentence is None else sentence[1].strip()


def is_prose(label: str) -> bool:
    r"""Returns whether a label is a text rather than an answer.

    >>> is_prose("We add the three numbers and get six, as each is even."), is_prose(r"\frac{1}{2}")
    (True, False)
    """
    if len(label) > _MOST_CHARACTERS or "\n" in label.strip():
        return True
    return len(_WORD.findall(_COMMAND.sub(" ", label))) > _MOST_WORDS


def _after_signs(text: str) -> str | None:
    """Returns what stands after number signs in the last line, MetaMath's sentence aside.

    Markdown has headings of four number signs too, with a text below them. Where line breaks were
    lost, the signs follow a space.
    """
    before, _, last = text.rstrip().rpartition("\n")
    if last.startswith(_METAMATH) and before:
        last = before.rstrip().rpartition("\n")[2]
    head, signs, answer = last.rpartition(_SIGNS)
    if not signs or (head and not head[-1].isspace()):
        return None
    return answer.strip() or None


def _content(text: str, start: int) -> str | None:
    """Returns what stands between the brace before `start` and the one that closes it."""
    depth, place = 1, start
    while place < len(text):
        sign = text[place]
        if sign == "\\":
            place += 1  # an escaped brace closes nothing
        elif sign == "{":
            depth += 1
        elif sign == "}":
            depth -= 1
            if depth == 0:
                return text[start:place].strip() or None
        place += 1
    return None
