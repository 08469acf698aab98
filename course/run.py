"""Runs a lesson of the course by its number.

    python course/run.py               lists the lessons
    python course/run.py 1             runs lesson 1
    python course/run.py 1 --solutions runs it with the solutions in place of your functions

`python course/lesson_01_….py` does the same as the second line.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

COURSE = Path(__file__).resolve().parent


def lessons() -> dict[int, Path]:
    """Returns the lessons by their number."""
    return {int(each.name.split("_")[1]): each for each in sorted(COURSE.glob("lesson_*.py"))}


def title(lesson: Path) -> str:
    """Returns the title of a lesson, which is its first heading."""
    with lesson.open(encoding="utf-8") as lines:
        return next(line for line in lines if line.startswith("# # ")).removeprefix("# # ").strip()


def main() -> int:
    """Runs a lesson, and returns its exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("number", type=int, nargs="?", help="the number of the lesson")
    parser.add_argument(
        "--solutions", action="store_true", help="put the solutions in place of your functions"
    )
    arguments = parser.parse_args()
    found = lessons()
    if arguments.number is None:
        print("\n".join(map(title, found.values())))
        return 0
    if arguments.number not in found:
        numbers = ", ".join(map(str, found))
        print(f"There is no lesson {arguments.number}; there are {numbers}.", file=sys.stderr)
        return 2
    environment = os.environ | ({"TTRL_COURSE_SOLUTIONS": "1"} if arguments.solutions else {})
    command = [sys.executable, str(found[arguments.number])]
    return subprocess.run(command, env=environment, check=False).returncode  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())
