"""The place in a list of tokens that the parser has come to.

- `Cursor`: moves over tokens, and declares what the levels of the grammar read of one another.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from ttrl_env.answers.formula.tokens import END, Token
from ttrl_env.answers.formula.tree import Node
from ttrl_env.answers.formula.vocabulary import JOINERS
from ttrl_env.answers.limits import MAX_DEPTH, Unreadable

__all__ = ["Cursor"]


class Cursor(ABC):
    """A place in a list of tokens; `depth` bounds the recursion of what reads them.

    The grammar is split by its levels, each a subclass of the one below it. What a level
    reads of a level above it, such as the items inside brackets, is abstract here.
    """

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.depth = 0
        self.bars = 0
        self.jump(0)

    def jump(self, position: int) -> None:
        """Makes the token at a position the current one."""
        self.position = position
        self.token = self.tokens[position]
        self.mark = self.token.mark

    def take(self) -> Token:
        """Returns the current token and move to the next."""
        if self.mark is END:
            raise Unreadable("an unfinished formula")
        token = self.token
        self.position = position = self.position + 1
        self.token = now = self.tokens[position]
        self.mark = now.mark
        return token

    def replace(self, *tokens: Token) -> None:
        """Puts other tokens in the place of the current one."""
        self.tokens[self.position : self.position + 1] = tokens
        self.jump(self.position)

    def at(self, *texts: str) -> bool:
        """Returns whether the current token has one of some marks."""
        return self.mark in texts

    def follows(self, mark: str) -> bool:
        """Returns whether the token after the current one has a mark."""
        return self.token.mark is not END and self.tokens[self.position + 1].mark == mark

    def expect(self, text: str) -> None:
        """Moves over a token that has to be there."""
        if self.mark != text:
            raise Unreadable(f"expected {text!r}, found {self.token.text!r}")
        self.take()

    def deeper(self) -> None:
        """Counts one more level of nesting."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unreadable(f"nested more than {MAX_DEPTH} deep")

    def joiner(self) -> str:
        """Returns the word between two answers that the current token is, or nothing."""
        token = self.token
        if token.kind == "word":
            return token.text if token.text in {"and", "or"} else ""
        if token.kind == "text":
            word = token.text.strip(" .,;~").lower()
            return (
                word if word in {"and", "or", "and/or"} else "," if token.text and not word else ""
            )
        return self.mark if self.mark in JOINERS and token.kind == "cmd" else ""

    # -- what levels read of those above them

    @abstractmethod
    def items(self, *closers: str) -> list[Node]:
        """Reads statements up to a closing token."""

    @abstractmethod
    def statement(self) -> Node:
        """Reads a sum or a chain of relations."""

    @abstractmethod
    def term(self) -> Node:
        """Reads a product of factors."""

    @abstractmethod
    def sign(self) -> int:
        """Reads signs in a row."""

    @abstractmethod
    def signed_power(self) -> Node:
        """Reads a factor with its sign."""

    @abstractmethod
    def starts_factor(self) -> bool:
        """Returns whether the current token may begin a factor."""

    @abstractmethod
    def power(self) -> Node:
        """Reads an atom with what follows it: exponents, factorials, degrees."""

    @abstractmethod
    def fraction(self) -> Node:
        """Reads the two arguments of a fraction."""

    @abstractmethod
    def function(self, name: str) -> Node:
        """Reads the power, the base and the arguments of a function."""

    @abstractmethod
    def command(self, name: str) -> Node:
        """Reads what follows a command."""

    @abstractmethod
    def script(self, *, bare: bool = False) -> Node:
        """Reads the argument of `^`."""
