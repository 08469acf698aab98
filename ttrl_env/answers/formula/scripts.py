"""The letters of the scripts that formulas have no use for.

- `ACCENTED`: the class of Latin letters with accents.
- `FOREIGN`: the pattern of a word in such letters.
"""

from __future__ import annotations

from typing import Final

__all__ = ["ACCENTED", "FOREIGN"]

ACCENTED: Final = "\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f"
_SCRIPTS: Final = (
    "\u0400-\u052f"  # Cyrillic
    "\u0590-\u06ff"  # Hebrew and Arabic
    "\u0900-\u0e7f"  # India, Sri Lanka, Thailand
    "\u3041-\u30ff\u3400-\u9fff"  # Japanese and Chinese
    "\uac00-\ud7a3"  # Korean
)
FOREIGN: Final = rf"[A-Za-z]*+[{ACCENTED}][A-Za-z{ACCENTED}]*|(?:(?!\d)[{_SCRIPTS}])+"
"""A word with a letter that formulas have no use for."""
