"""The console output of an evaluation: a header, progress, a table.

- `EvaluationDisplay`: prints all three.

On a terminal the display is live; in a log or a pipe it is a line every few seconds.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from ttrl_agents.evaluate.evaluation import Evaluation
from ttrl_agents.evaluate.setting import SamplingSetting
from ttrl_agents.printed import printed
from ttrl_agents.run.output import RunConsole
from ttrl_agents.samplers import SamplingParams
from ttrl_benchmarks.printable import counted

if TYPE_CHECKING:
    from ttrl_agents.evaluate.runner import EvaluationRun

__all__ = ["EvaluationDisplay"]

_LOG_SECONDS = 10.0
_MOST_VOTES_SHOWN = 20
_WIDTH_OF_ANSWERS = 40


class EvaluationDisplay:
    """Prints the header, the progress and the scores of an evaluation.

    Args:
        console: Where to print; by default standard output.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or RunConsole(_interrupt)
        self._progress: Progress | None = None
        self._total = self._begun_with = self._done = self._tokens = 0
        self._began = self._last_line = time.monotonic()

    def start(self, run: EvaluationRun) -> None:
        """Prints which model is evaluated on which questions."""
        params = run.params
        labels = sum(run.benchmark.labels.reveal(each.id) is not None for each in run.questions)
        sampling = (
            "greedy: the likeliest token each time"
            if params.temperature == 0
            else f"{counted(run.config.votes, 'completion')} each, {setting_of(params).title}, "
            f"seed {run.config.seed}"
        )
        left_out = f", {run.left_out} too long left out" if run.left_out else ""
        rows = {
            "model": run.model.description,
            "questions": f"{run.config.env} ({counted(len(run.questions), 'question')}, "
            f"{labels} with a label to grade by{left_out})",
            "sampling": f"{sampling}; at most {params.max_tokens} tokens",
            "into": str(run.folder.path),
        }
        if run.config.instruction is not None:
            rows["instruction"] = repr(run.config.instruction)
        if run.results:
            rows["going on"] = f"{counted(len(run.results), 'question')} done already"
        grid = Table.grid(padding=(0, 2))
        for name, value in rows.items():
            grid.add_row(Text(name, style="bold"), printed(value, overflow="fold"))
        self.console.print(Panel(grid, title="TTRL: measuring", expand=False))
        self._total, self._begun_with = len(run.questions), len(run.results)
        self._began = self._last_line = time.monotonic()
        if self.console.is_terminal:
            self._progress = Progress(
                TextColumn("[bold]questions"),
                BarColumn(bar_width=30),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[status]}"),
                console=self.console,
            )
            self._progress.add_task("", total=self._total, completed=len(run.results), status="")
            self._progress.start()

    def on_tokens(self, count: int) -> None:
        """Updates the display while a portion is sampled."""
        self._tokens += count
        if self._progress is not None:
            self._progress.update(self._progress.task_ids[0], status=self._speed())
        elif time.monotonic() - self._last_line > _LOG_SECONDS:
            self._print_line()

    def on_questions(self, done: int) -> None:
        """Shows how many questions are answered."""
        if done == self._done:
            return
        self._done = done
        if self._progress is not None:
            self._progress.update(self._progress.task_ids[0], completed=done)
        elif done == self._total:
            self._print_line()

    def close(self) -> None:
        """Ends the live display."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def finish(self, run: EvaluationRun, evaluation: Evaluation) -> None:
        """Prints the scores, or the votes if nothing can be graded, and where the files are."""
        self.close()
        graded, asked = len(evaluation.graded), len(evaluation.results)
        if graded:
            self.console.print(scores_table(evaluation, setting_of(run.params)))
            if evaluation.k > 1:
                tries = "  ".join(
                    f"{name} {each.mean:.3f}" for name, each in evaluation.pass_at.items()
                )
                self.console.print(f"unbiased {tries}", soft_wrap=True)
        else:
            self.console.print(
                f"Nothing could be graded: none of the {asked} questions has a label. "
                "What the votes say:",
                soft_wrap=True,
            )
            self.console.print(votes_table(evaluation))
            if asked > _MOST_VOTES_SHOWN:
                self.console.print(f"... and {asked - _MOST_VOTES_SHOWN} more in questions.jsonl")
        if 0 < graded < asked:
            self.console.print(f"{graded} of {asked} questions have a label; only they count.")
        agree = f"On average the majority holds {evaluation.majority_ratio:.1%} of the votes. "
        self.console.print(
            f"{agree if evaluation.k > 1 else ''}Completions: {evaluation.finished:.1%} finished, "
            f"{1 - evaluation.finished:.1%} truncated, {evaluation.absent:.1%} without an answer, "
            f"{evaluation.mean_tokens:,.0f} tokens per completion.",
            soft_wrap=True,
        )
        self.console.print(
            f"{run.folder.path} has completions.jsonl, questions.jsonl, summary.json, config.json "
            "and report.html.",
            soft_wrap=True,
        )

    def _speed(self) -> str:
        seconds = max(time.monotonic() - self._began, 1e-9)
        return f"{self._tokens:,} tokens, {self._tokens / seconds:,.0f} tokens/s"

    def _print_line(self) -> None:
        self._last_line = time.monotonic()
        left = ""
        if done_now := self._done - self._begun_with:
            seconds = (time.monotonic() - self._began) / done_now * (self._total - self._done)
            left = f"  {int(seconds) // 60}:{int(seconds) % 60:02d} left"
        self.console.print(
            f"{self._done} of {self._total} questions  {self._speed()}{left}", soft_wrap=True
        )


def _interrupt() -> None:
    """Ends the evaluation as Ctrl-C does: the reader of the output has gone, as in `| head`."""
    raise KeyboardInterrupt


def setting_of(params: SamplingParams) -> SamplingSetting:
    """Returns the temperature and top-p of sampling parameters."""
    return SamplingSetting(params.temperature, params.top_p)


def scores_table(evaluation: Evaluation, setting: SamplingSetting) -> Table:
    """Returns mean@k, maj@k and pass@k, overall and by level; of one completion they are equal."""
    title = f"{setting.title}: mean [95 % interval over n questions]"
    table = Table(title=title, box=None, pad_edge=False)
    table.add_column("")
    table.add_column("n", justify="right")
    parts = {"all": evaluation}
    if len(evaluation.levels) > 1:
        parts |= {f"level {level}": evaluation.of_level(level) for level in evaluation.levels}
    shown = list(evaluation.metrics)[: None if evaluation.k > 1 else 1]
    for name in shown:
        table.add_column(name, justify="right")
    for name, part in parts.items():
        if part.graded:
            metrics = part.metrics
            table.add_row(name, str(len(part.graded)), *(str(metrics[each]) for each in shown))
    return table


def votes_table(evaluation: Evaluation) -> Table:
    """Returns the most frequent answer of each question and its share of the votes."""
    table = Table(box=None, pad_edge=False)
    table.add_column("question")
    table.add_column("majority answer")
    table.add_column("votes", justify="right")
    for result in evaluation.results[:_MOST_VOTES_SHOWN]:
        answer = Text("none", style="dim")
        if result.consensus is not None:
            answer = printed(result.consensus)
            answer.truncate(_WIDTH_OF_ANSWERS, overflow="ellipsis")
        table.add_row(printed(result.question_id), answer, f"{result.majority_ratio:.0%}")
    return table
