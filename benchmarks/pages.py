"""What measurements leave in the documentation: results as JSON, and tables between two markers.

- `results_path`, `picture_path`: the files of a name.
- `write_results`: keeps results in docs/results and puts their table into a page.
- `write_block`, `with_block`: replace what is between the markers of a page.
- `command_line`: the command that this process was started with, for the legend of a table.
- `to_json`: results as JSON that is short and can be compared line by line.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[1]


def results_path(name: str) -> Path:
    """Returns the file of results."""
    return REPOSITORY / "docs" / "results" / f"{name}.json"


def picture_path(name: str) -> Path:
    """Returns the file of a picture."""
    return REPOSITORY / "docs" / "images" / f"{name}.png"


def write_results(name: str, results: dict[str, Any], page: Path, text: str) -> None:
    """Keeps results in docs/results, and puts their table into the block of that name of a page."""
    path = results_path(name)
    path.parent.mkdir(exist_ok=True)
    path.write_text(to_json(results), encoding="utf-8")
    write_block(page, name, text)


def write_block(page: Path, name: str, text: str) -> None:
    """Replaces what is between the markers `begin: name` and `end: name` of a page."""
    page.write_text(with_block(page.read_text(encoding="utf-8"), name, text), encoding="utf-8")


def with_block(page: str, name: str, text: str) -> str:
    """Returns the text of a page with another block.

    Raises:
        ValueError: The page has no such block.
    """
    begin, end = f"<!-- begin: {name} -->", f"<!-- end: {name} -->"
    if begin not in page or end not in page:
        raise ValueError(f"the page has no block {name!r}; mark it with {begin} and {end}")
    return re.sub(
        f"{re.escape(begin)}.*?{re.escape(end)}",
        lambda _: f"{begin}\n{text.strip()}\n{end}",
        page,
        flags=re.DOTALL,
    )


def command_line() -> str:
    """Returns the command that this process was started with, but for `--write`."""
    script = Path(sys.argv[0]).resolve().relative_to(REPOSITORY)
    arguments = [each for each in sys.argv[1:] if each != "--write"]
    return shlex.join(["python", script.as_posix(), *arguments])


def to_json(results: dict[str, Any]) -> str:
    """Returns results as JSON, indented, with lists of numbers on one line."""
    text = json.dumps(results, indent=1)
    numbers = r"\[(?:[\s\d.,eE+-]|null)+\]"
    return re.sub(numbers, lambda found: re.sub(r"\s+", " ", found[0]), text) + "\n"
