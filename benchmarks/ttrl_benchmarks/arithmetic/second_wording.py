"""A second wording of the arithmetic benchmark's questions, with the same answer.

- `rephrase`: another wording of a question.

Who owns how many of what does not bear on the answer, and templates draw names and things at
random; so another draw of the same template is a second wording, which the tiny reasoner, taught on
such draws, understands as well as the first. Where there is nothing to exchange, the operands of a
sum or a product change places; and where there is none either, only the spacing of the question
mark changes, the weakest second wording there is. The reasoner does not understand new words.
"""

from __future__ import annotations

import re

from ttrl_benchmarks.arithmetic.templates import CONTAINERS, FRUITS, PEOPLE, THINGS

__all__ = ["rephrase"]


def _next_of(words: tuple[str, ...]) -> dict[str, str]:
    return dict(zip(words, (*words[1:], words[0]), strict=True))


def _other_people() -> dict[str, str]:
    """Names to names of the same pronouns, so that `she` and `her` stay right."""
    by_pronoun: dict[str, list[str]] = {}
    for name, she, _ in PEOPLE:
        by_pronoun.setdefault(she, []).append(name)
    pairs: dict[str, str] = {}
    for names in by_pronoun.values():
        pairs |= _next_of(tuple(names))
    return pairs


_EXCHANGED = _other_people() | _next_of(THINGS) | _next_of(CONTAINERS) | _next_of(FRUITS)
_WORD = re.compile(r"[A-Za-z]+")
# The left operand of a sum may belong to a difference or a product that stands before it, and its
# right one to a product that comes after.
_COMMUTING = re.compile(
    r"(?<!times )(?<!by )(?<!\d)(\d+) (times) (\d+)"
    r"|(?<!minus )(?<!times )(?<!by )(?<!\d)(\d+) (plus) (\d+)(?!\d| times)"
    r"|(?<=the sum of )(\d+) (and) (\d+)"
)


def rephrase(text: str) -> str:
    """Returns another wording of a question of the arithmetic benchmark.

    A pure function of the text: no chance is in it.

    >>> rephrase("Mia had 12 marbles and gave 5 of them to Ben. How many are left?")
    'Zoe had 12 stickers and gave 5 of them to Omar. How many are left?'
    >>> rephrase("What is the sum of 3 and 5, multiplied by 3, minus 2 times 4?")
    'What is the sum of 5 and 3, multiplied by 3, minus 4 times 2?'
    >>> rephrase("What is 12 minus 5?")
    'What is 12 minus 5 ?'
    """
    exchanged = _WORD.sub(lambda match: _EXCHANGED.get(match[0], match[0]), text)
    if exchanged != text:
        return exchanged
    turned = _COMMUTING.sub(_turn, text)
    return turned if turned != text else text.rstrip("?") + " ?"


def _turn(match: re.Match[str]) -> str:
    left, word, right = (group for group in match.groups() if group is not None)
    return f"{right} {word} {left}"
