"""The report of a run or an evaluation, or of two of them side by side.

- `write_report`: writes it into one HTML file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ttrl_agents.evaluate.turned import CONFIDENT
from ttrl_agents.report.charts import curves_of, scores_of, votes_of
from ttrl_agents.report.page import make_page
from ttrl_agents.report.pairs import pair_sentences, pairs_of
from ttrl_agents.report.questions import SHORTENINGS, pack_questions, views_of
from ttrl_agents.report.settings import option_differences, settings_of
from ttrl_agents.report.subject import Subject, read_subject
from ttrl_agents.report.verdict import verdict_of
from ttrl_agents.run.provenance import DISTRIBUTIONS, versions_of
from ttrl_benchmarks.printable import counted
from ttrl_env.files import replacing
from ttrl_env.locks import FolderLock

__all__ = ["LARGEST", "REPORT", "write_report"]

REPORT = "report.html"
_LOCK = ".report.lock"
LARGEST = 8 * 10**6
"""The most bytes of a report; completions are shortened until it fits."""


def write_report(
    folders: Sequence[Path], output: Path | None = None, largest: int = LARGEST
) -> Path:
    """Writes the report of one or two runs or evaluations.

    Args:
        folders: The directories of runs, finished or not, or of evaluations; one or two.
        output: The file; by default `report.html` in the folder, or of two
            `report-vs-<second>.html` in the first.
        largest: The most bytes that it may have.

    Returns:
        The file.

    Raises:
        AgentError: A folder holds neither, or a file in it is damaged.
        FolderInUseError: Another process writes a report into the same folder.
    """
    subjects = [read_subject(folder) for folder in folders]
    views = views_of(subjects)
    pairs = pairs_of(views)
    verdicts = [verdict_of(subject) for subject in subjects]
    said = [line for each in verdicts for line in (each.headline, *each.sentences)]
    compared = list(pair_sentences(pairs))
    data: dict[str, Any] = {
        "subjects": [_about(subject) for subject in subjects],
        "verdicts": [each.to_dict() for each in verdicts],
        "compared": compared,
        "confident": CONFIDENT,
        "scores": scores_of(subjects),
        "curves": curves_of(subjects),
        "votes": [
            {"subject": who, "questions": votes_of(subject)}
            for who, subject in enumerate(subjects)
            if subject.votes
        ],
        "pairs": pairs,
        "settings": [settings_of(subject) for subject in subjects],
        "differences": option_differences(subjects),
        "made_by": f"ttrl-env {versions_of(DISTRIBUTIONS[:1]).get(DISTRIBUTIONS[0], '')}".strip(),
    }
    title = " and ".join(subject.name for subject in subjects)
    for shortening in SHORTENINGS:
        packed = data | {"browser": pack_questions(views, shortening)}
        page = make_page(title, [*compared, *said], packed)
        if len(page) <= largest:
            break
    name = REPORT if len(folders) == 1 else f"report-vs-{subjects[1].name}.html"
    path = output or folders[0] / name
    # A run that is under way has a lock of its own, and can be looked at all the same.
    with FolderLock(path.parent, name=_LOCK), replacing(path) as file:
        file.write(page)
    return path


def _about(subject: Subject) -> dict[str, Any]:
    """What stands in the head of a report."""
    summary, config = subject.summary, subject.config
    if not subject.is_run:
        measured = subject.measured[0]
        return {
            "name": subject.name,
            "title": f"{config['model']} on {config['env']}",
            "facts": [
                counted(summary["questions"], "question"),
                f"{counted(summary['k'], 'completion')} each",
                measured.setting.title,
                f"seed {config['seed']}",
            ],
            "status": "evaluation",
            "alarms": None,
        }
    done, planned = subject.steps_done, config["steps"]
    status = f"unfinished: {done} of {planned} steps"
    if subject.finished:
        status = f"stopped by an alarm after {done} steps" if summary["stopped"] else "finished"
    return {
        "name": subject.name,
        "title": f"{summary['model']} on {summary['env_id']}",
        "facts": [
            f"reward {summary['reward']}",
            f"{done} steps",
            f"{config['questions_per_step']} questions × {config['n_votes']} votes a step",
            f"sampled at T {summary['temperature']:g}, top-p 1",
            f"seed {summary['seed']}",
        ],
        "status": status,
        "alarms": len(summary["alarms"]),
    }
