"""The numbers that the lessons print, and how far yours may be from them.

Other processors, and other versions of PyTorch, round differently. Training makes a small
difference large, so no two laptops print the same last digit. `expected.json` says, for some lines
of each lesson, what number stands there and how far yours may be off.

    python course/expected.py           # runs all lessons with the solutions, and compares
    python course/expected.py 6 7       # these two
    python course/expected.py --read    # compares what the last runs printed, without running
    python course/expected.py --write   # takes the numbers over, and the table of teacher.md
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from course_tools.pictures import output_folder
from course_tools.where import COURSE

FILE = COURSE / "expected.json"
PAGE = COURSE / "teacher.md"
BEGIN, END = "<!-- begin: expected -->", "<!-- end: expected -->"


@dataclass(frozen=True)
class Expected:
    """A number that a lesson prints.

    Attributes:
        what: What it is.
        pattern: A regular expression that finds it in the output, as its one group.
        value: The number.
        tolerance: How far yours may be off.
    """

    what: str
    pattern: str
    value: float
    tolerance: float

    def find(self, output: str) -> float | None:
        """Returns the number that an output has, or `None`."""
        match = re.search(self.pattern, output, re.MULTILINE)
        return None if match is None else float(match[1].replace(",", ""))

    def problem(self, output: str) -> str:
        """Returns what is wrong with an output, or nothing."""
        found = self.find(output)
        if found is None:
            return f"{self.what}: no line fits {self.pattern!r}"
        if abs(found - self.value) > self.tolerance:
            return f"{self.what}: {found:g}, expected {self.value:g} ± {self.tolerance:g}"
        return ""


def read_expected() -> dict[int, list[Expected]]:
    """Returns the expected numbers of each lesson."""
    values = json.loads(FILE.read_text(encoding="utf-8"))
    return {int(number): [Expected(**each) for each in found] for number, found in values.items()}


def problems(number: int, output: str) -> list[str]:
    """Returns what is wrong with the output of a lesson."""
    return [text for each in read_expected().get(number, []) if (text := each.problem(output))]


def output_of(number: int, *, read: bool) -> str:
    """Returns what a lesson prints with the solutions; it is kept in the output folder."""
    kept = output_folder() / f"lesson_{number:02d}.txt"
    if not read:
        (lesson,) = COURSE.glob(f"lesson_{number:02d}_*.py")
        print(f"running {lesson.name}", flush=True)
        ran = subprocess.run(  # noqa: S603 - our own lesson
            [sys.executable, str(lesson)],
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=os.environ | {"TTRL_COURSE_SOLUTIONS": "1", "PYTHONUTF8": "1"},
            check=True,
        )
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(ran.stdout, encoding="utf-8")
    elif not kept.is_file():
        raise SystemExit(f"{kept} is not there yet; run the lesson without --read")
    return kept.read_text(encoding="utf-8")


def table(expected: Mapping[int, Sequence[Expected]]) -> str:
    """Returns the Markdown table of the expected numbers."""
    lines = ["| lesson | what | expected | may differ by |", "|---|---|---|---|"]
    for number, found in sorted(expected.items()):
        for each in found:
            lines.append(f"| {number} | {each.what} | {each.value:,.10g} | {each.tolerance:g} |")
    return "\n".join(lines)


def write(expected: Mapping[int, Sequence[Expected]], outputs: Mapping[int, str]) -> None:
    """Takes over the numbers of some outputs, and writes the table into the teacher's page."""
    taken = {
        number: [_taken(each, outputs[number]) if number in outputs else each for each in found]
        for number, found in sorted(expected.items())
    }
    values = {str(number): [asdict(each) for each in found] for number, found in taken.items()}
    FILE.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n{table(taken)}\n{END}{after}", encoding="utf-8")


def _taken(each: Expected, output: str) -> Expected:
    found = each.find(output)
    if found is None:
        raise SystemExit(f"{each.what}: no line of the output fits {each.pattern!r}")
    return replace(each, value=found)


def main() -> int:
    """Compares, or takes over, and returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("numbers", type=int, nargs="*", help="lessons; all by default")
    parser.add_argument("--read", action="store_true", help="compare what the last runs printed")
    parser.add_argument("--write", action="store_true", help="take the numbers over")
    arguments = parser.parse_args()
    expected = read_expected()
    numbers = arguments.numbers or sorted(expected)
    outputs = {number: output_of(number, read=arguments.read) for number in numbers}
    if arguments.write:
        write(expected, outputs)
        return 0
    wrong = [f"lesson {n}: {text}" for n, output in outputs.items() for text in problems(n, output)]
    checked = sum(len(expected.get(number, [])) for number in numbers)
    print("\n".join(wrong) or f"all {checked} numbers are as expected")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
