"""The pages of the documentation and the code on them, and how it is run.

Every `python` block of a page runs, in order and in one namespace, in an empty folder. A `text`
block right after one shows what it printed, and a `console` block the commands and what they print;
both are compared, with `...` for anything. Comments of the page, which readers do not see, say the
rest, each before the block that it is about:

    <!-- skip: why -->                 the block is not run
    <!-- needs: TTRL_DATA_DIR -->      it is skipped where this variable, or module, is missing
    <!-- shortened: A => B -->         B runs in place of A, since A takes long
    <!-- run                           these lines run too
    ...
    -->
"""

from __future__ import annotations

import contextlib
import doctest
import importlib.util
import io
import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ttrl_agents.cli.entry import main

REPOSITORY = Path(__file__).parents[2]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
NOTE = re.compile(r"^<!-- (skip|needs|shortened|run)(?::? +|\n)(.*?)\s*-->$", re.DOTALL)
PART = re.compile(r"^```(\w*)\n(.*?)^```$|^<!--.*?-->$", re.MULTILINE | re.DOTALL)


def pages() -> list[Path]:
    """Returns every page of the repository that a person wrote."""
    docs = REPOSITORY / "docs"
    made = (docs / "built", docs / "_build")
    found = [page for page in docs.rglob("*.md") if not set(made) & set(page.parents)]
    tops = [REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
    others = [*(REPOSITORY / "examples").glob("*.md"), *(REPOSITORY / "course").glob("*.md")]
    return [*tops, *sorted(others), *sorted(found)]


@dataclass
class Block:
    """A block of code on a page.

    Attributes:
        language: What stands after the fence; `run` for lines that readers do not see.
        code: The lines in it.
        line: The line of the page on which it begins.
        notes: What the comments before it say, by their first word.
    """

    language: str
    code: str
    line: int
    notes: dict[str, str] = field(default_factory=dict)


def blocks(text: str) -> Iterator[Block]:
    """Yields the blocks of a page, and the hidden lines between them."""
    notes: dict[str, str] = {}
    for part in PART.finditer(text):
        line = text.count("\n", 0, part.start()) + 1
        if part[2] is not None:
            yield Block(part[1], part[2], line, notes)
            notes = {}
        elif note := NOTE.match(part[0]):
            if note[1] == "run":
                yield Block("run", note[2] + "\n", line)
            else:
                notes[note[1]] = "\n".join(filter(None, [notes.get(note[1]), note[2]]))


class Runner:
    """Runs the blocks of one page, in the current folder.

    Args:
        page: The page.
    """

    def __init__(self, page: Path) -> None:
        self.page = page
        self.names: dict[str, object] = {"__name__": "__main__"}
        self.printed = ""
        self.ran = 0

    def run(self) -> int:
        """Runs the page and returns how many of its blocks were run."""
        after_python = False
        for block in blocks(self.page.read_text(encoding="utf-8")):
            is_left_out = self.left_out(block)
            if not is_left_out:
                if block.language in ("python", "run"):
                    self.python(block)
                elif block.language == "console":
                    self.console(block)
                elif block.language == "text" and after_python:
                    self.compare(block.code, self.printed, block)
            after_python = block.language == "python" and not is_left_out
        return self.ran

    def left_out(self, block: Block) -> bool:
        """Returns whether a block is not run here."""
        if "skip" in block.notes:
            assert len(block.notes["skip"]) > 5, f"{self.where(block)}: say why it is skipped"
            return True
        needs = block.notes.get("needs", "")
        if needs.isupper():
            return needs not in os.environ
        return bool(needs) and importlib.util.find_spec(needs) is None

    def python(self, block: Block) -> None:
        """Runs a block of Python: examples with their results, or a program."""
        code = block.code
        for change in filter(None, block.notes.get("shortened", "").split("\n")):
            long, short = change.split(" => ")
            assert long in code, f"{self.where(block)}: there is no {long!r} to shorten"
            code = code.replace(long, short)
        self.ran += block.language == "python"
        if code.startswith(">>>"):
            test = doctest.DocTestParser().get_doctest(
                code, {}, self.page.name, str(self.page), block.line
            )
            test.globs = self.names
            runner = doctest.DocTestRunner(optionflags=FLAGS)
            said = io.StringIO()
            assert runner.run(test, out=said.write, clear_globs=False).failed == 0, said.getvalue()
            return
        printed = io.StringIO()
        lines = "\n" * block.line + code  # so that an error names the line of the page
        with contextlib.redirect_stdout(printed):
            exec(  # noqa: S102 - our own page
                compile(lines, str(self.page), "exec", dont_inherit=True), self.names
            )
        self.printed = printed.getvalue()

    def console(self, block: Block) -> None:
        """Runs the commands of `ttrl` in a block that shows what they print."""
        for command, shown in sessions(block.code):
            if not shown:
                continue
            printed = io.StringIO()
            words, _, filters = command.partition(" | ")
            with contextlib.redirect_stdout(printed):
                main(shlex.split(words)[1:])
            lines = printed.getvalue().splitlines(keepends=True)
            if filters:
                lines = lines[-1:] if filters == "tail -1" else lines[: int(filters.split("-")[1])]
            self.ran += 1
            self.compare(shown, "".join(lines), block)

    def compare(self, shown: str, printed: str, block: Block) -> None:
        """Fails where a page shows something else than was printed."""
        same = doctest.OutputChecker().check_output(shown.strip(), printed.strip(), FLAGS)
        assert same, f"{self.where(block)} shows\n{shown}\nbut it printed\n{printed}"

    def where(self, block: Block) -> str:
        """Returns the place of a block in words."""
        return f"{self.page.name}, line {block.line}"


def sessions(code: str) -> Iterator[tuple[str, str]]:
    """Yields each command of a console block, and the lines shown below it."""
    for part in re.split(r"^\$ ", code, flags=re.MULTILINE)[1:]:
        command, _, shown = part.replace("\\\n", " ").partition("\n")
        yield command, shown
