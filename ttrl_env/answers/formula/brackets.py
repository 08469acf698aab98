"""Brackets, bars, subscripts and environments.

- `Brackets`: reads them.
"""

from __future__ import annotations

from typing import Final

from ttrl_env.answers.formula.tokens import END, ROW
from ttrl_env.answers.formula.tree import Node, letter, listed
from ttrl_env.answers.formula.units import Units
from ttrl_env.answers.formula.vocabulary import BRACKETS, MATRICES
from ttrl_env.answers.limits import MAX_CELLS, MAX_DEPTH, MAX_DIGITS, Unreadable

__all__ = ["Brackets"]

_ALIGNED: Final = frozenset({"aligned", "align", "alignedat", "gathered"})
_SET_BRACKETS: Final = frozenset({"{", r"\{", "lbrace"})
_SUCH_THAT: Final = frozenset({"|", "mid", "vert", ":"})
_BUILDERS: Final = _SUCH_THAT | {"in"}
_BRACKET_FUNCTIONS: Final = {
    "lfloor": "floor",
    "llcorner": "floor",
    "lceil": "ceil",
    "ulcorner": "ceil",
    "lvert": "abs",
    "lVert": "abs",
}


class Brackets(Units):
    """What stands between an opening and a closing token."""

    def subscript(self) -> str:
        """Returns a subscript as a name: its tokens without braces and spaces."""
        kind, text, _, mark = self.token
        if mark != "{":
            if kind in {"num", "word", "cmd", "text"}:
                self.take()
                return text.strip()
            raise Unreadable("an empty subscript")
        self.take()
        depth = 1
        names: list[str] = []
        while True:
            text = self.take().text
            depth += (text == "{") - (text == "}")
            if depth > MAX_DEPTH:
                raise Unreadable(f"nested more than {MAX_DEPTH} deep")
            if not depth:
                return "".join(names) if len(names) < 2 else f"({''.join(names)})"
            if text not in {"{", "}"}:
                names.append(text.strip())

    def bracket_items(self) -> list[Node]:
        """Reads the items between two brackets."""
        opening = self.take().text
        self.deeper()
        bars, self.bars = self.bars, 0
        items = self.items(BRACKETS[opening])
        self.expect(BRACKETS[opening])
        self.bars = bars
        self.depth -= 1
        return items

    def bracketed(self) -> Node:
        """Reads brackets: a group, a set, a tuple, an interval or a floor."""
        simple = self.simple_group()
        if simple is not None:
            return simple
        opening = self.take().text
        self.deeper()
        bars, self.bars = self.bars, 0
        closers = [BRACKETS[opening]]
        if opening in {"(", "["}:
            closers = [")", "]"]
        elif (
            self.token.kind == "word"
            and self.tokens[self.position + 1].mark in _BUILDERS
            and opening in _SET_BRACKETS
            and self.is_builder(closers[0])
        ):
            opening = "builder"
        items = self.items(*closers)
        closing = self.take().text
        if closing not in closers:
            raise Unreadable("an open bracket")
        self.bars = bars
        self.depth -= 1
        if opening in _BRACKET_FUNCTIONS:
            return ("f", _BRACKET_FUNCTIONS[opening], items)
        if opening == "builder":
            return listed(items)
        if opening in {r"\{", "lbrace"}:
            return ("set", items)
        if not items:
            raise Unreadable("empty brackets")
        if opening in {"{", "lgroup", "lbrack"} and len(items) > 1:
            return ("set", items) if opening == "{" else ("tuple", items, "(", ")")
        if len(items) == 1 and closing == BRACKETS[opening]:
            return items[0]
        return (
            "tuple",
            items,
            opening if opening == "[" else "(",
            closing if closing == "]" else ")",
        )

    def is_builder(self, closer: str) -> bool:
        r"""Skips the head of `\{x \mid x < 2\}` or `\{x \in \mathbb{R} : x < 2\}`, if it is one."""
        start = self.position
        if len(self.take().text) == 1:
            if self.mark == "in":
                ahead = [token.text for token in self.tokens[self.position + 1 :][:4]]
                # The tokens themselves: a set that is read and given up would be read twice.
                if ahead != ["mathbb", "{", "R", "}"]:
                    self.jump(start)
                    return False
                self.jump(self.position + 5)
            if self.mark in _SUCH_THAT and not self.follows(closer):
                self.take()
                return True
        self.jump(start)
        return False

    def simple_group(self) -> Node | None:
        """Reads `{2}` or `{x}`, which most groups are, without going through all levels."""
        if self.mark != "{":
            return None
        position = self.position + 1
        kind, text, _, _ = self.tokens[position]
        if kind not in {"num", "word"} or self.tokens[position + 1].mark != "}":
            return None
        if kind == "num" and text.isdigit() and len(text) <= MAX_DIGITS:
            self.jump(position + 2)
            return ("n", int(text))
        if kind == "word" and len(text) == 1:
            self.jump(position + 2)
            return letter(text)
        return None

    def absolute(self, closing: str) -> Node:
        """Reads what stands between two bars."""
        self.take()
        self.deeper()
        self.bars += 1
        inside = self.statement()
        self.expect(closing)
        self.bars -= 1
        self.depth -= 1
        return ("f", "abs", [inside])

    def without_marks(self) -> None:
        """Removes the marks by which the rows of an environment are aligned."""
        position = self.position
        while self.tokens[position].mark not in {"end", END}:
            if self.tokens[position].mark == "&":
                del self.tokens[position]
            else:
                position += 1
        self.jump(self.position)

    def environment(self) -> Node:
        """Reads a matrix, a case distinction or aligned rows."""
        self.expect("{")
        name = self.take().text
        if self.at("*"):
            self.take()
        self.expect("}")
        if name not in MATRICES and name != "cases" and name not in _ALIGNED:
            raise Unreadable(f"the environment {name!r}")
        self.deeper()
        if name == "array":
            self.subscript()
        elif name in _ALIGNED:
            self.without_marks()
        rows: list[list[Node]] = [[]]
        cells = 0
        while not self.at("end"):
            if self.mark is ROW:
                self.take()
                rows.append([])
            elif self.at("&") or self.at(","):
                self.take()
            else:
                cells += 1
                if cells > MAX_CELLS:
                    raise Unreadable(f"more than {MAX_CELLS} cells")
                rows[-1].append(self.statement())
        self.take()
        self.expect("{")
        self.take()
        if self.at("*"):
            self.take()
        self.expect("}")
        self.depth -= 1
        rows = [row for row in rows if row]
        if not rows:
            raise Unreadable("an empty matrix")
        if name in MATRICES:
            if len({len(row) for row in rows}) > 1:
                raise Unreadable("a ragged matrix")
            kind = "det" if name in {"vmatrix", "Vmatrix"} else "mat"
            return (kind, rows)
        return ("set", [row[0] if len(row) == 1 else ("tuple", row, "(", ")") for row in rows])
