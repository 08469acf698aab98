"""Text of models, files and servers as the terminal shows it.

- `printed`: such a text, without control characters and without markup.
"""

from __future__ import annotations

from typing import Any

from rich.text import Text

from ttrl_benchmarks.printable import plain_text

__all__ = ["printed"]


def printed(text: str, **options: Any) -> Text:
    r"""Returns text that neither steers the terminal nor is read as markup.

    Args:
        text: Any text.
        **options: What `rich.text.Text` takes besides, e.g. `style`.

    >>> str(printed("[bold]a\x1b[2J"))
    '[bold]a\\x1b[2J'
    """
    return Text(plain_text(text), **options)
