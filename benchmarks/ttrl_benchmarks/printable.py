r"""Text of files, models and servers as it is safe to print.

- `plain_text`: writes control characters as escapes.
- `counted`: a number with its noun.
"""

from __future__ import annotations

__all__ = ["counted", "plain_text"]


def plain_text(text: str, *, keep: str = "\n\t") -> str:
    r"""Returns text in which nothing steers a terminal or reverses a line.

    Whatever is not printable, the bytes that move the cursor or change the title of a window among
    them, is written as an escape.

    Args:
        text: Any text.
        keep: Characters that are kept all the same.

    >>> print(plain_text("a\x1b]0;owned\x07b\u202e"))
    a\x1b]0;owned\x07b\u202e
    """
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or each in keep else each.encode("unicode_escape").decode()
        for each in text
    )


def counted(number: int, noun: str) -> str:
    """Returns a number with its noun.

    >>> counted(1, "question"), counted(3_000, "question")
    ('1 question', '3,000 questions')
    """
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
