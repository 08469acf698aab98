"""`ttrl votes`: how the questions of a run or an evaluation were voted on.

- `votes`: the command.
"""

from __future__ import annotations

import json as json_module
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro
from rich.text import Text

from ttrl_agents.cli.console import CommandConsole
from ttrl_agents.errors import AgentError
from ttrl_benchmarks.printable import plain_text

if TYPE_CHECKING:
    from ttrl_agents.evaluate.tallies import Course, Tally

__all__ = ["votes"]

_MOST_ANSWERS = 5
_WIDTH_OF_ANSWERS = 24


def votes(
    folder: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER")],
    questions: int = 5,
    question: str | None = None,
    json: bool = False,
) -> None:
    """Shows the votes of a run or an evaluation: what turned, what hardened on a wrong answer.

    Of a run directory it reads the votes of the training, finished or not: which questions elect
    another answer at their last visit than at their first, which agree on a wrong one where labels
    exist, and which are most divided, each with its tally. Of an evaluation, the last two.

    Args:
        folder: A run directory of ttrl train; or the output folder of ttrl eval,
            RUN/evaluations/before or the like.
        questions: How many questions of each kind to show.
        question: Show every visit of the question with this id instead.
        json: Print one JSON object for the run or each evaluation, with all questions.
    """
    console = CommandConsole()
    for found in _sources(folder):
        if question is not None:
            _print_course(console, found, _find(found, question), as_json=json)
        elif json:
            print(json_module.dumps(found.to_dict()))  # noqa: T201
        else:
            for line in found.lines(questions):
                console.print(line, soft_wrap=True)


@dataclass(frozen=True)
class _Votes:
    """The courses of a run or an evaluation.

    Attributes:
        folder: Where they are.
        title: What they are, with the temperature.
        setting: Temperature and top-p.
        courses: One for each question.
        of_run: Whether a question can have several visits.
    """

    folder: Path
    title: str
    setting: dict[str, float]
    courses: Sequence[Course]
    of_run: bool

    def to_dict(self) -> dict[str, Any]:
        """Returns all questions as JSON."""
        from ttrl_agents.evaluate.tallies import turned

        return {
            "folder": str(self.folder),
            **self.setting,
            "turned": [each.question_id for each in turned(self.courses)],
            "questions": [each.to_dict() for each in self.courses],
        }

    def lines(self, most: int) -> Iterator[Text]:
        """Yields the lines of the report."""
        from ttrl_agents.evaluate.tallies import agreed_on_wrong, divided, turned

        yield Text(self.title, style="bold")
        if self.of_run:
            found = turned(self.courses)
            kinds = Counter(each.turn for each in found if each.turn != "unknown")
            split = ", ".join(f"{count} from {turn}" for turn, count in kinds.items())
            again = [each for each in self.courses if len(each.tallies) > 1]
            yield from _section(
                f"{_count(again)} visited more than once, {len(found)} with another answer elected "
                f"at the last visit than at the first{f' ({split})' if split else ''}",
                found[:most],
                whole=True,
            )
        wrong = agreed_on_wrong(self.courses)
        if any(each.last.right is not None for each in self.courses):
            yield from _section(
                f"{_count(wrong)} with half of the votes or more for a wrong answer",
                wrong[:most],
            )
        yield from _section("The most divided questions", divided(self.courses)[:most])


def _sources(folder: Path) -> Iterator[_Votes]:
    """Yields the votes of the training, or those of each evaluation in a folder."""
    from ttrl_agents.config.train_config import read_config
    from ttrl_agents.evaluate.folder import find_evaluations
    from ttrl_agents.evaluate.setting import SamplingSetting
    from ttrl_agents.evaluate.tallies import courses_of_evaluation, courses_of_run
    from ttrl_agents.run.folder import CONFIG, VOTES
    from ttrl_agents.run.votes import read_votes

    if (folder / VOTES).is_file():
        courses = courses_of_run(read_votes(folder))
        if not courses:
            raise AgentError(f"The run in {folder} has not finished a step yet.")
        setting = SamplingSetting(read_config(folder / CONFIG).temperature)
        steps = max(each.last.step or 0 for each in courses)
        title = f"{folder}: {_count(courses)} in {steps} steps, {setting.title}"
        yield _Votes(folder, title, setting.to_dict(), courses, of_run=True)
        return
    for stored in find_evaluations(folder).values():
        setting = SamplingSetting.of(stored.config())
        courses = courses_of_evaluation(stored.read().results)
        title = f"{stored.path}: {_count(courses)}, {setting.title}"
        yield _Votes(stored.path, title, setting.to_dict(), courses, of_run=False)


def _find(found: _Votes, question: str) -> Course:
    courses = {each.question_id: each for each in found.courses}
    if question not in courses:
        close = get_close_matches(question, courses, n=3, cutoff=0) or list(courses)[:3]
        raise AgentError(
            f"There is no question {question!r} in {found.folder}. Those that are named like it: "
            + ", ".join(map(_plain, close))
        )
    return courses[question]


def _print_course(console: CommandConsole, found: _Votes, course: Course, *, as_json: bool) -> None:
    if as_json:
        visits = [each.to_dict() for each in course.tallies]
        values = {"question_id": course.question_id, **found.setting, "visits": visits}
        print(json_module.dumps(values))  # noqa: T201
        return
    console.print(Text(found.title, style="bold"), soft_wrap=True)
    console.print(Text(_plain(course.question_id)))
    for tally in course.tallies:
        console.print(Text(f"  {_line(tally)}"), soft_wrap=True)


def _section(title: str, courses: Sequence[Course], *, whole: bool = False) -> Iterator[Text]:
    """Yields a title and the questions below it: their last tally, or the first as well."""
    yield Text(f"{title}{':' if courses else '.'}")
    width = max((len(_plain(each.question_id)) for each in courses), default=0)
    for each in courses:
        name = _plain(each.question_id).ljust(width)
        if whole:
            yield Text(f"  {name}  {_line(each.first)}")
            name = " " * width
        yield Text(f"  {name}  {_line(each.last)}")


def _line(tally: Tally) -> str:
    """Returns a tally in a line: the step, the answers with their votes, whether it is right."""
    answers = [f"{_short(answer)} ×{count}" for answer, count in tally.answers[:_MOST_ANSWERS]]
    if len(tally.answers) > _MOST_ANSWERS:
        answers.append(f"{len(tally.answers) - _MOST_ANSWERS} other answers")
    if tally.absent:
        answers.append(f"no answer ×{tally.absent}")
    step = "" if tally.step is None else f"step {tally.step}: "
    verdict = {None: "", True: " (right)", False: " (wrong)"}[tally.right]
    return f"{step}{', '.join(answers)}{verdict}"


def _count(courses: Sequence[Course]) -> str:
    return f"{len(courses)} question{'' if len(courses) == 1 else 's'}"


def _short(answer: str) -> str:
    words = _plain(answer)
    return words if len(words) <= _WIDTH_OF_ANSWERS else words[: _WIDTH_OF_ANSWERS - 1] + "…"


def _plain(text: str) -> str:
    """Returns what a model wrote as it is safe to print, in one line."""
    return plain_text(text, keep="")
