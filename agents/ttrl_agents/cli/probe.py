"""`ttrl probe`: whether a model is fit to learn without labels from some questions.

- `probe`: the command.
"""

from __future__ import annotations

import json as json_module
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ttrl_agents.cli.console import CommandConsole
from ttrl_agents.config.probe_config import ProbeConfig
from ttrl_agents.errors import AgentError
from ttrl_benchmarks.printable import counted

if TYPE_CHECKING:
    from ttrl_agents.config.eval_config import EvalConfig
    from ttrl_agents.evaluate import Evaluation, EvaluationFolder
    from ttrl_agents.probe import Indicators, Reason, Rightness, Verdict

__all__ = ["probe"]

_SUMMARIES = {
    "fit": "The votes can be learned from",
    "doubtful": "Learning from these votes may come to little",
    "unfit": "Learning from these votes would come to nothing, or worse",
}
_STYLES = {"fit": "green", "doubtful": "yellow", "unfit": "red"}
_MARKS = {"good": "+", "weak": "!", "bad": "x"}
_MARK_STYLES = {"good": "green", "weak": "yellow", "bad": "red"}


def probe(
    config: Annotated[ProbeConfig, tyro.conf.arg(name="")] = ProbeConfig(),  # noqa: B008
    votes: Path | None = None,
    json: bool = False,
) -> None:
    """Says whether a model is fit to learn without labels from some questions, and why.

    Samples a few votes on each question, as training would, and looks at them without labels: how
    far they agree, whether that depends on the question, how many questions would teach, what is
    cut off or without an answer. Prints a verdict (fit, doubtful or unfit), its reasons and what to
    change. Where there are labels, it also says how right the votes are. docs/probe.md has the
    formulas, and how often the verdict was right.

    Args:
        config: The options.
        votes: Look at the votes of this evaluation instead, the output folder of ttrl eval or ttrl
            probe; one that was interrupted is finished first. Of the folder of a run, at those of
            its initial policy. Give no other options.
        json: Print one JSON object; progress goes to standard error.
    """
    if votes is not None and config != ProbeConfig():
        raise AgentError("--votes takes the votes of an evaluation as they are; leave out others.")
    stored = None if votes is None else _stored(votes)
    if stored is not None and stored.complete:
        probed = _Probed.of(stored, stored.read())
    else:
        asked = config.evaluation() if stored is None else _begun(stored)
        probed = _collected(asked, quiet=json)
    if json:
        print(json_module.dumps(probed.to_dict()))  # noqa: T201
    else:
        _print(CommandConsole(), probed)


@dataclass(frozen=True)
class _Probed:
    """Votes, and what a probe says of them.

    Attributes:
        folder: Where the votes are.
        settings: The options and settings of their evaluation.
        votes: What they say without labels.
        labels: How right they are, if there are labels.
        verdict: The verdict.
    """

    folder: Path
    settings: dict[str, Any]
    votes: Indicators
    labels: Rightness | None
    verdict: Verdict

    @classmethod
    def of(cls, stored: EvaluationFolder, evaluation: Evaluation) -> _Probed:
        """Looks at the votes of an evaluation."""
        from ttrl_agents.probe import judge, measure_rightness, measure_votes

        _check_votes(stored, evaluation.k)
        votes = measure_votes(evaluation.results)
        labels = measure_rightness(evaluation.results)
        return cls(stored.path, stored.config(), votes, labels, judge(votes, labels))

    def to_dict(self) -> dict[str, Any]:
        """Returns all of it as JSON."""
        from ttrl_agents.probe import steps_to_agreement

        steps = steps_to_agreement(self.votes.shares)
        named = ("benchmark", "temperature", "top_p")
        return {
            "folder": str(self.folder),
            "model": self.settings.get("model"),
            **{name: self.settings[name] for name in named},
            "seed": self.settings.get("seed"),
            **self.verdict.to_dict(),
            "votes": self.votes.to_dict(),
            "steps_to_agreement": None if steps is None else round(steps, 1),
            "labels": None if self.labels is None else self.labels.to_dict(),
        }


def _check_votes(stored: EvaluationFolder, votes: int) -> None:
    if votes < 2:
        raise AgentError(
            f"{stored.path} holds one vote on each question, and a probe needs two or more: "
            "measure with a --k of 2 or more, not greedily."
        )


def _begun(stored: EvaluationFolder) -> EvalConfig:
    """Returns the options of an evaluation that was interrupted."""
    from ttrl_agents.evaluate.runner import evaluation_config

    config = evaluation_config(stored.path)
    _check_votes(stored, config.votes)  # before the rest is sampled
    return config


def _stored(path: Path) -> EvaluationFolder:
    """Returns the evaluation at a path; of a run, that of its initial policy.

    It is that at the temperature of the training, if the run was measured at it.
    """
    from ttrl_agents.config.train_config import read_config
    from ttrl_agents.evaluate.folder import find_evaluations
    from ttrl_agents.evaluate.setting import SamplingSetting
    from ttrl_agents.run.folder import CONFIG

    before = path / "evaluations" / "before"
    if before.is_dir():
        setting = SamplingSetting(read_config(path / CONFIG).temperature)
        path = before / setting.name if (before / setting.name).is_dir() else before
    found = find_evaluations(path)
    return found.get("train") or next(iter(found.values()))


def _collected(config: EvalConfig, *, quiet: bool) -> _Probed:
    """Samples the votes, as far as they are not there yet."""
    from ttrl_agents.cli.measuring import measure_saving
    from ttrl_agents.evaluate.display import EvaluationDisplay
    from ttrl_agents.evaluate.runner import EvaluationRun

    run = EvaluationRun(config)
    display = EvaluationDisplay(Console(stderr=True, highlight=False) if quiet else None)
    return _Probed.of(run.folder, measure_saving(run, display, "ttrl probe --votes"))


def _print(console: Console, probed: _Probed) -> None:
    from ttrl_agents.evaluate.setting import SamplingSetting
    from ttrl_agents.printed import printed

    settings, found, verdict = probed.settings, probed.votes, probed.verdict
    title = (
        f"{settings.get('model', 'A model')} on {settings['benchmark']}: "
        f"{counted(found.questions, 'question')} x {found.n_votes} votes, "
        f"{SamplingSetting.of(settings).title}"
    )
    console.print(printed(title, style="bold"), soft_wrap=True)
    console.print(_table(found))
    console.print(_steps(found), soft_wrap=True)
    console.print(
        Text.assemble(
            "Verdict, without labels: ",
            (verdict.word, f"bold {_STYLES[verdict.word]}"),
            f". {_SUMMARIES[verdict.word]}.",
        ),
        soft_wrap=True,
    )
    _print_reasons(console, verdict.reasons)
    if probed.labels is None:
        console.print(
            "No question has a label, so nothing shows whether the votes are right.",
            soft_wrap=True,
        )
    else:
        console.print(
            f"With the labels of {counted(probed.labels.graded, 'question')}:", soft_wrap=True
        )
        console.print(_label_table(probed.labels))
        _print_reasons(console, verdict.with_labels)
    console.print(Text(f"The votes are in {probed.folder}; ttrl votes shows them."), soft_wrap=True)


def _print_reasons(console: Console, reasons: Sequence[Reason]) -> None:
    for reason in reasons:
        mark = Text.assemble("  ", (_MARKS[reason.weight], _MARK_STYLES[reason.weight]), " ")
        console.print(mark + Text(f"{reason.says} {reason.change}".rstrip()), soft_wrap=True)


def _table(found: Indicators) -> Table:
    rows = {
        "majority ratio": str(found.majority_ratio),
        "margin": str(found.margin),
        "questions that would teach": str(found.teaching),
        "winners that half of the votes repeats": str(found.reproducible),
        "agreement beyond chance (kappa)": _number(found.agreement),
        "answer entropy, nats": _number(found.answer_entropy),
        "distinct winners": _number(found.distinct_winners),
        "completions without an answer": f"{found.absent:.3f}",
        "completions cut off": f"{found.truncated:.3f}",
    }
    return _columns(rows, "votes, without labels [95 % interval over questions]")


def _label_table(labels: Rightness) -> Table:
    rows = {
        "one completion is right (mean@n)": str(labels.mean),
        "the majority is right (maj@n)": str(labels.majority),
        "any completion is right (pass@n)": str(labels.some),
        "rewards equal those of the labels": str(labels.reward_accuracy),
    }
    return _columns(rows, "labels")


def _columns(rows: dict[str, str], title: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1), show_header=True)
    table.add_column(title, overflow="fold")
    table.add_column("", justify="right", no_wrap=True)
    for name, value in rows.items():
        table.add_row(name, value)
    return table


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _steps(found: Indicators) -> str:
    from ttrl_agents.probe import steps_to_agreement
    from ttrl_agents.probe.pace import TARGET

    steps = steps_to_agreement(found.shares)
    if steps is None:
        return f"The majority ratio will not reach {TARGET:.0%}: too many questions have no answer."
    if steps == 0:
        return f"The majority ratio is {TARGET:.0%} or more already."
    return (
        f"At the pace of the tiny reasoner (learning rate 2e-4) the majority ratio reaches "
        f"{TARGET:.0%} after some {steps:.0f} steps of the full learning rate, twice as many with "
        "the cosine schedule; a rough guess, and another model has another pace."
    )
