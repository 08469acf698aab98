"""MathJax beside the pages, so that formulas need no network.

One file has all of it, fonts included. It is taken from the package `sphinx-mathjax-offline` and
checked against the digest of MathJax's own release.
"""

from __future__ import annotations

import hashlib
from importlib.metadata import files
from pathlib import Path

__all__ = ["FILE", "vendored"]

FILE = "tex-svg.js"
_PACKAGE = "sphinx-mathjax-offline"
# `es5/tex-svg.js` of MathJax 3.2.2
_DIGEST = "d4295dc33744836935c1399feece5159577b34c5c8ffb9f1c6324cd82e03a882"


def vendored() -> Path:
    """Returns the file of MathJax.

    Raises:
        FileNotFoundError: The package does not have it.
        ValueError: It is another file than MathJax released.
    """
    for each in files(_PACKAGE) or ():
        if each.name == FILE:
            path = Path(str(each.locate()))
            if hashlib.sha256(path.read_bytes()).hexdigest() != _DIGEST:
                raise ValueError(f"{path} is not the file of MathJax 3.2.2; reinstall {_PACKAGE}")
            return path
    raise FileNotFoundError(f"{_PACKAGE} does not have {FILE}; reinstall it")
