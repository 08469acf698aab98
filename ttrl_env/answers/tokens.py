r"""A formula as a list of tokens.

- `Token`: kind, text, whether a space stands before it, and its mark.
- `tokenize`: the list for a text; refuses what no formula contains.

Kinds: `num`, `cmd` (a LaTeX command, without its backslash), `word` (a run of letters),
`text` (what stands in `\text{}` and its like), `op`, `row` (`\\`), `end`.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

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


_SCANNER: Final = re.compile(
    r"""
    (?P<num>
        \d+(?:(?:\{,\}|\\,|,\\!\ *|\{,\\!\}|\\!|\\\ |,\\\ ?)\d{3})+(?!\d)(?:\.\d+)?
      | (?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+(?![A-Za-z0-9.]))?
    )
  | (?P<word>[A-Za-z]+)
  | (?P<op>\\[{}%&_\#|] | \*\* | <= | >= | != | == | \.\.\.+ | [-+*/^_=<>()\[\]{}|,;:!'%&])
  | (?P<skip>
        \s+ | ~ | \\[,;:!>\s] | \\\$ | \$ | \\[()\[\]] | [€£¥`]
      | \\(?:left|right|mleft|mright|middle)(?![a-zA-Z])\s*\.?
      | \\(?:quad|qquad|[bB]ig[lrm]?|[bB]igg[lrm]?|displaystyle|textstyle|scriptstyle
            |limits|nolimits|thinspace|enspace|space|hfill|hline|strut|mathstrut|ensuremath
            |allowbreak|textdollar|phantom|mathopen|mathclose|mathbin|mathrel|mathord
            |tiny|small|normalsize|large|Large|LARGE|huge|Huge|bf|it|boldmath)(?![a-zA-Z])
      | \\(?:text)?color\s*\{[^{}]*\}
      | \\(?:begin|end)\{(?:equation|displaymath|math|gather|split|center)\*?\}
      | \\hspace\*?\{[^{}]*\} | \\vspace\*?\{[^{}]*\}
    )
  | (?P<text>\\(?:text|textbf|textit|textrm|textnormal|textsf|mbox|hbox|mathrm|mathbf|mathit|mathsf
              |mathcal|boldsymbol|bm|vec|operatorname\*?|rm)\s*\{[^{}]*\})
  | (?P<cmd>\\[a-zA-Z]+)
  | (?P<row>\\\\(?:\[[^\]]*\])?)
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_OPERATORS: Final = {
    "**": "^",
    "==": "=",
    r"\%": "%",
    r"\|": "|",
    r"\_": "_",
}


def tokenize(text: str) -> list[Token]:
    r"""Return the tokens of `text`, without spacing, sizes and math delimiters.

    Raises:
        Unreadable: At a character that no formula contains, or over `MAX_TOKENS` tokens.

    >>> [token.text for token in tokenize(r"\frac12 + 1{,}234")]
    ['frac', '12', '+', '1{,}234', '']
    """
    tokens: list[Token] = []
    append, new, spaced = tokens.append, tuple.__new__, False
    for found in _SCANNER.finditer(text):
        kind, piece = found.lastgroup, found[0]
        if kind == "skip":
            spaced = True
            continue
        if kind == "op":
            piece = _OPERATORS.get(piece, piece)
            append(new(Token, ("op", piece, spaced, piece)))
        elif kind == "num" or (kind == "word" and len(piece) <= MAX_WORD):
            append(new(Token, (kind, piece, spaced, "")))
        elif kind == "cmd":
            piece = piece[1:]
            append(new(Token, ("cmd", piece, spaced, piece)))
        elif kind == "text":
            content = piece[piece.index("{") + 1 : -1].replace("~", " ")
            append(new(Token, ("text", content, spaced, "")))
        elif kind == "row":
            append(new(Token, ("row", piece, spaced, ROW)))
        elif kind == "word":
            raise Unreadable(f"more than {MAX_WORD} letters in a row")
        else:
            raise Unreadable(f"unexpected {piece!r}")
        spaced = False
    if len(tokens) > MAX_TOKENS:
        raise Unreadable(f"more than {MAX_TOKENS} tokens")
    append(Token("end", "", spaced, END))
    return tokens
