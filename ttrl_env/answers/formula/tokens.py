r"""A formula as a list of tokens.

- `Token`: kind, text, whether a space stands before it, and its mark.
- `tokenize`: the list for a text; refuses what no formula contains.

Kinds: `num`, `cmd` (a LaTeX command, without its backslash), `word` (a run of letters),
`text` (what stands in `\text{}` and its like), `op`, `row` (`\\`), `end`.
"""

from __future__ import annotations

import re
import string
from typing import Final, NamedTuple

from ttrl_env.answers.formula.scripts import ACCENTED, FOREIGN
from ttrl_env.answers.formula.vocabulary import (
    BRACKETS,
    CONSTANTS,
    FRACTIONS,
    FUNCTIONS,
    GREEK,
    PRODUCTS,
    RELATIONS,
)
from ttrl_env.answers.limits import MAX_TOKENS, MAX_WORD, Unreadable

__all__ = ["END", "ROW", "Token", "tokenize"]

END: Final = "<end>"
ROW: Final = "<row>"
"""The marks of the end and of a row's end, which no operator or command has."""


class Token(NamedTuple):
    """One token of a formula; `mark` is the text of operators and commands, and what ends it."""

    kind: str
    text: str
    spaced: bool
    mark: str = ""


# Each piece of a text. What is short and frequent stands first; `_SKIPPED` before the commands.
_NUMBER: Final = r"""
    \d++(?:(?:\{,\}|\\[,;:]|~|,\\!\ *|\{,\\!\}|\\!|\\\ |,\\\ ?)\d{3})+(?!\d)(?:\.\d+)?
  | (?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+(?![A-Za-z0-9.]))?
"""
_SKIPPED: Final = r"""
    [\s~$€£¥₹₩₽₺₫₪₱₦฿₴₸₡₲₵￥￡₨`]
  | \\(?:
        [,;:!>\s$()\[\]]
      | (?:left|right|mleft|mright|middle)(?![a-zA-Z])\s*\.?
      | (?:quad|qquad|[bB]ig[lrm]?|[bB]igg[lrm]?|displaystyle|textstyle|scriptstyle
          |limits|nolimits|thinspace|enspace|space|hfill|hline|strut|mathstrut|ensuremath
          |allowbreak|textdollar|mathopen|mathclose|mathbin|mathrel|mathord
          |tiny|small|normalsize|large|Large|LARGE|huge|Huge|bf|it|boldmath)(?![a-zA-Z])
      | text\{\\?\$\}
      | (?:text)?color\s*\{[^{}]*\}
      | (?:begin|end)\{(?:equation|displaymath|math|gather|split|center)\*?\}
      | [hv]?(?:space\*?|phantom)\{[^{}]*\}
    )
"""
_STYLED: Final = r"""
    \\(?:text(?:bf|it|rm|up|tt|sf|sc|sl|md|normal)?|emph|mbox|hbox|math(?:rm|bf|it|sf|tt|cal|normal)
        |boldsymbol|bm|pmb|bbox|vec|underline|uline|operatorname\*?|rm)\s*\{[^{}]*\}
"""
_PIECES: Final = re.compile(
    rf"""
    [-+/^_()\[\]{{}}|,;:'%&\s] | [A-Za-z]++(?![{ACCENTED}]) | {_NUMBER}
  | \*\* | <= | >= | != | == | \.\.\.+ | [*=<>!] | \\[{{}}%&_\#|]
  | {_SKIPPED} | {_STYLED} | {FOREIGN} | \\[a-zA-Z]+ | \\\\(?:\[[^\]]*\])? | .
    """,
    re.VERBOSE | re.DOTALL,
)
_KINDS: Final = re.compile(
    rf"""
    (?P<skip>{_SKIPPED})
  | (?P<text>{_STYLED})
  | (?P<foreign>{FOREIGN})
  | (?P<cmd>\\[a-zA-Z]+)
  | (?P<row>\\\\(?:\[[^\]]*\])?)
  | (?P<num>{_NUMBER})
  | (?P<op>\.\.\.+)
    """,
    re.VERBOSE | re.DOTALL,
)
_OPERATORS: Final = {
    **{sign: sign for sign in ("<=", ">=", "!=", *"-+*/^_=<>()[]{}|,;:!'%&")},
    **{sign: sign for sign in (r"\{", r"\}", r"\&", r"\#")},
    "**": "^",
    "==": "=",
    r"\%": "%",
    r"\|": "|",
    r"\_": "_",
}


def _tokens(piece: str) -> tuple[Token, ...]:
    """Returns the token of a piece without a space before it and with one; nothing for a space."""
    text, mark = piece, ""
    if piece in _OPERATORS:
        kind, text = "op", _OPERATORS[piece]
        mark = text
    elif piece.isdecimal():
        kind = "num"
    elif piece.isascii() and piece.isalpha():
        kind = "word"
        if piece == "mod":
            kind, mark = "cmd", piece
        if len(piece) > MAX_WORD:
            raise Unreadable(f"more than {MAX_WORD} letters in a row")
    else:
        found = _KINDS.fullmatch(piece)
        if found is None:
            raise Unreadable(f"unexpected {piece!r}")
        kind = found.lastgroup or ""
        if kind == "skip":
            return ()
        if kind == "cmd":
            text = mark = piece[1:]
            if text == "cr":
                kind, mark = "row", ROW
        elif kind == "foreign":
            kind = "text"
        elif kind == "text":
            text = piece[piece.index("{") + 1 : -1].replace("~", " ")
        elif kind == "row":
            mark = ROW
        elif kind == "op":
            mark = piece
    return Token(kind, text, False, mark), Token(kind, text, True, mark)


_COMMANDS: Final = (
    *(*FUNCTIONS, *CONSTANTS, *GREEK, *FRACTIONS, *PRODUCTS, *RELATIONS),
    *(*BRACKETS, *BRACKETS.values(), *("cup", "cap", "circ", "pm", "begin", "end", "boxed")),
    *("left", "right", "mleft", "mright"),
)
_COMMON: Final = {
    piece: _tokens(piece)
    for piece in (
        *(*_OPERATORS, *string.ascii_letters, *map(str, range(100)), " ", "$", r"\\"),
        *(f"\\{name}" for name in _COMMANDS if name.isalpha()),
    )
}
"""The tokens of what most formulas are made of, made once: tokens never change."""


def tokenize(text: str) -> list[Token]:
    r"""Returns the tokens of `text`, without spacing, sizes and math delimiters.

    Raises:
        Unreadable: At a character that no formula contains, or over `MAX_TOKENS` tokens.

    >>> [token.text for token in tokenize(r"\frac12 + 1{,}234")]
    ['frac', '12', '+', '1{,}234', '']
    """
    tokens: list[Token] = []
    append, common, spaced = tokens.append, _COMMON.get, False
    for piece in _PIECES.findall(text):
        pair = common(piece)
        if pair is None:
            pair = _tokens(piece)
        if pair:
            append(pair[spaced])
            spaced = False
        else:
            spaced = True
    if len(tokens) > MAX_TOKENS:
        raise Unreadable(f"more than {MAX_TOKENS} tokens")
    append(Token("end", "", spaced, END))
    return tokens
