"""The page of a report: one HTML file with its styles, scripts and data.

- `make_page`: puts it together.

What models wrote reaches the page as compressed data and is shown as text, never as markup. A
Content-Security-Policy allows the page its own script and style by their hashes, and nothing else:
no request leaves it.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

__all__ = ["asset", "make_page"]

_STYLES = ("uplot/uPlot.min.css", "report.css")
_SCRIPTS = (
    "uplot/uPlot.iife.min.js",
    "dom.js",
    "verdict.js",
    "scores.js",
    "curves.js",
    "votes.js",
    "turned.js",
    "pairs.js",
    "completions.js",
    "browser.js",
    "settings.js",
    "main.js",
)


def make_page(title: str, verdict: Sequence[str], data: Mapping[str, Any]) -> bytes:
    """Returns the HTML of a report.

    Args:
        title: The title of the page.
        verdict: Sentences that are shown also where scripts do not run.
        data: What the scripts show, as JSON.
    """
    style = "\n".join(map(asset, _STYLES))
    script = "\n".join(map(asset, _SCRIPTS))
    packed = gzip.compress(json.dumps(data, separators=(",", ":")).encode("ascii"), 9, mtime=0)
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src '{_digest(script)}'",
            f"style-src '{_digest(style)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    sentences = "".join(f"<li>{html.escape(each)}</li>" for each in verdict)
    page = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{html.escape(title)}</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<div id="page">
<main><h1>{html.escape(title)}</h1><ul>{sentences}</ul>
<noscript><p>The rest of this report needs JavaScript; it makes no request.</p></noscript></main>
</div>
<script type="application/octet-stream" id="data">{base64.b64encode(packed).decode()}</script>
<script>{script}</script>
</body>
</html>
"""
    return page.encode("utf-8", "replace")


def asset(name: str) -> str:
    """Returns the text of a file of the package's assets."""
    return (resources.files(__package__) / "assets" / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
