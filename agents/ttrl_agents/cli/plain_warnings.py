"""Warnings of this package as sentences, without the place in the code that Python adds.

- `plain_warnings`: the context in which they are printed so.
"""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Iterator
from typing import TextIO

from ttrl_benchmarks.printable import plain_text

__all__ = ["plain_warnings"]

_OURS = ("ttrl_benchmarks.", "ttrl_env.", "ttrl_agents.")


@contextlib.contextmanager
def plain_warnings() -> Iterator[None]:
    """Prints the warnings of this package as sentences, and others as Python does."""
    usual = warnings.showwarning

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if category.__module__.startswith(_OURS):
            print(f"ttrl: warning: {plain_text(str(message))}", file=file or sys.stderr)
        else:
            usual(message, category, filename, lineno, file, line)

    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = usual
