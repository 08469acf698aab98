"""The console output of a run: a header, a live display, a table.

- `ConsoleCallback`: prints all three.

On a terminal the display is live; in a log or a pipe it is a line every few seconds.
"""

from __future__ import annotations

import time
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from ttrl_agents.callbacks.base import Callback, Run
from ttrl_agents.evaluate.setting import SamplingSetting, by_setting
from ttrl_agents.evaluate.turned import describe_changed, describe_turned
from ttrl_agents.instruments.collapse import Alarm
from ttrl_agents.printed import printed
from ttrl_agents.run.output import RunConsole
from ttrl_benchmarks.printable import counted
from ttrl_env.consensus import find_reward, reward_needs

__all__ = ["ConsoleCallback"]

_SPLITS = {"train": "trained", "held_out": "held-out"}
_LOG_SECONDS = 10.0
_LONG_STEP_SECONDS = 2.0  # the votes of the step before stay that long


class ConsoleCallback(Callback):
    """Prints the header, the progress and the before/after table.

    Args:
        console: Where to print; by default standard output.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or RunConsole(self._stop_run)
        self._run: Run | None = None
        self._progress: Progress | None = None
        self._phase_began = self._last_line = time.monotonic()
        self._training = False
        # Sampled in the measurement or the step under way; in a log it has lines of its own.
        self._tokens, self._since, self._last_count = 0, self._phase_began, self._phase_began
        self._answered = ""  # of the measurement under way

    def __getstate__(self) -> dict[str, Any]:
        # A copy watches no run, and prints to a console of its own.
        return {**vars(self), "console": None, "_run": None, "_progress": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.console = RunConsole(self._stop_run)

    def on_start(self, run: Run) -> None:
        """Prints which model is trained on which questions."""
        self._run = run
        config, policy = run.config, run.policy
        rate = getattr(run.agent, "learning_rate", None)  # another agent may have none
        known = len(run.benchmark.labels)
        labels = (
            "there are none"
            if known == 0
            else "the reward reads them, so they are learned from"
            if "labels" in reward_needs(config.reward)
            else "sealed; they only measure, and nothing is learned from them"
        )
        held_out = f", {len(run.held_out)} held out" if run.held_out else ""
        left_out = f", {run.left_out} too long left out" if run.left_out else ""
        trained = (
            f", {policy.num_trained:,} of them trained: LoRA of rank {config.lora_rank}"
            if config.lora_rank
            else ""
        )
        precision = str(policy.compute_dtype).removeprefix("torch.")
        rows = {
            "model": f"{policy.name} ({policy.num_parameters:,} weights{trained}, {precision}, "
            f"{policy.device})",
            "questions": f"{config.env} ({len(run.benchmark)} to train on{held_out}{left_out})",
            "labels": labels,
            "reward": f"{config.reward}: {find_reward(config.reward)[0].card.summary}",
            "step": f"{counted(config.questions_per_step, 'question')} x {config.n_votes} votes, "
            + ("" if rate is None else f"AdamW at {rate:g}, ")
            + f"temperature {config.temperature:g}",
            "run": f"{config.steps} steps, seed {config.seed}, into {run.folder}",
        }
        if config.evaluate:
            rows["measuring"] = f"before and after, each {run.evaluations.cost}"
        travels = getattr(getattr(run.agent, "sampler", None), "weight_sync", None)
        if travels is not None:
            rows["sampler"] = f"{config.sampler}; its weights come by {travels}"
        if run.plan is not None:
            rows["memory"] = run.plan.summary()
        path = getattr(run.agent, "update_path", None)  # another agent may have none
        if path is not None:
            rows["updates"] = path
        if config.preset is not None:
            rows["preset"] = f"{config.preset}, for the family {config.family}"
        if run.state.step:
            rows["resumed"] = f"after step {run.state.step}"
        grid = Table.grid(padding=(0, 2))
        for name, value in rows.items():
            grid.add_row(Text(name, style="bold"), printed(value, overflow="fold"))
        self.console.print(Panel(grid, title="TTRL: learning without labels", expand=False))
        self._total, self._start, self._votes = config.steps, run.state.step, config.n_votes
        self._step = self._start

    def on_phase(self, name: str) -> None:
        """Starts a new display, or a new line."""
        self._stop()
        self._phase_began = self._last_line = time.monotonic()
        self._count_anew()
        self._training = name == "training"
        if not self.console.is_terminal:
            self.console.print(f"{name} ...")
            return
        bar: tuple[Any, ...] = (TextColumn("[bold]{task.description}"),)
        if self._training:
            bar += (BarColumn(bar_width=30), MofNCompleteColumn(), TimeRemainingColumn())
        self._progress = Progress(*bar, TextColumn("{task.fields[status]}"), console=self.console)
        self._progress.add_task(
            name,
            total=self._total if self._training else None,
            completed=self._start if self._training else 0,
            status="",
        )
        self._progress.start()

    def on_tokens(self, count: int) -> None:
        """Updates the display while a measurement or a long step samples."""
        self._tokens += count
        now = time.monotonic()
        seconds = max(now - self._since, 1e-9)
        if self._training and seconds < _LONG_STEP_SECONDS:
            return
        words = f"{self._answered}{self._tokens:,} tokens, {self._tokens / seconds:,.0f} tokens/s"
        if self._progress is not None:
            self._show(words)
        elif now - self._last_count > _LOG_SECONDS:
            self._last_count = now
            where = f"after step {self._step}/{self._total}: " if self._training else ""
            self.console.print(f"{where}{words}", soft_wrap=True)

    def on_questions(self, done: int, total: int) -> None:
        """Shows how far a measurement is."""
        self._answered = f"{done} of {total} questions, "
        if self._progress is not None:
            self.on_tokens(0)

    def on_step(self, step: int, metrics: dict[str, float]) -> None:
        """Shows the agreement of the votes."""
        self._step = step
        self._count_anew()
        parts = [f"majority ratio {metrics['majority_ratio']:.2f}"]
        if "ground_truth_ratio" in metrics:
            parts.append(f"mean@{self._votes} {metrics['ground_truth_ratio']:.2f}")
        if "entropy" in metrics:  # another agent may have none
            parts.append(f"entropy {metrics['entropy']:.3f}")
        parts.append(f"{metrics['tokens_per_second']:,.0f} tok/s")
        status = "  ".join(parts)
        if skipped := metrics.get("skipped"):
            line = f"step {step}: {skipped:.0f} of {metrics['updates']:.0f} updates skipped, as"
            self.console.print(f"{line} loss or gradient was not finite", soft_wrap=True)
        if self._progress is not None:
            self._progress.update(self._progress.task_ids[0], completed=step)
            self._show(status)
        elif step == self._total or time.monotonic() - self._last_line > _LOG_SECONDS:
            self._last_line = time.monotonic()
            done, left = step - self._start, self._total - step
            seconds = (time.monotonic() - self._phase_began) / done * left
            self.console.print(
                f"step {step}/{self._total}  {status}  {_clock(seconds)} left", soft_wrap=True
            )

    def on_alarm(self, alarm: Alarm) -> None:
        """Prints the warning, above the display."""
        self.console.print(
            Text(f"step {alarm.step}: {alarm.kind} alarm: {alarm.message}", style="bold yellow"),
            soft_wrap=True,
        )

    def on_evaluation(self, name: str, results: dict[str, Any]) -> None:
        """Prints the means in a line."""
        self._count_anew()
        if not self._training:
            self._stop()
        for setting, scores in by_setting(results).items():
            for split, result in scores.items():
                if result is not None:
                    line = f"{name}, {_SPLITS[split]} questions, {setting.title}: {_means(result)}"
                    self.console.print(line, soft_wrap=True)

    def on_end(self, summary: dict[str, Any]) -> None:
        """Prints the before/after table and where the files are."""
        self._stop()
        for table in results_tables(summary):
            self.console.print(table)
        for line in vote_lines(summary):
            self.console.print(printed(line), soft_wrap=True)
        self.console.print(
            f"{counted(summary['steps'], 'step')} in {_clock(summary['seconds'])}. "
            "The run directory has config.json, metrics.jsonl, summary.json, curves.png, "
            "report.html and checkpoint/ (for transformers).",
            soft_wrap=True,
        )
        if summary["stopped"]:
            kept = summary["checkpoint_step"]
            which = (
                f"the best one before it, that of step {kept}."
                if kept
                else "the initial policy, so differences between before and after are chance."
            )
            self.console.print(
                f"An alarm ended the training after step {summary['steps']}; checkpoint/ is "
                f"{which}",
                soft_wrap=True,
            )
        elif summary["alarms"]:
            best = summary["best"]
            self.console.print(
                f"Alarms were raised from step {summary['alarms'][0]['step']} on. The best "
                f"checkpoint before, by {best['criterion']}, is that of step {best['step']}: "
                f"{best['checkpoint']}",
                soft_wrap=True,
            )

    def close(self) -> None:
        """Ends the live display."""
        self._stop()

    def _stop_run(self) -> None:
        """Stops the run, saved: the reader of the output has gone, as in `| head`."""
        if self._run is not None:
            self._run.request_stop()

    def _count_anew(self) -> None:
        self._tokens, self._answered = 0, ""
        self._since = self._last_count = time.monotonic()

    def _show(self, status: str) -> None:
        if self._progress is not None:
            self._progress.update(self._progress.task_ids[0], status=status)

    def _stop(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def results_tables(summary: dict[str, Any]) -> list[Table]:
    """Returns a before/after table for each temperature, with 95 % intervals."""
    tables = []
    after_at = by_setting(summary["after"])
    for setting, before_by_split in by_setting(summary["before"]).items():
        title = f"{setting.title}: mean [95 % interval over questions]"
        # 80 columns hold it
        table = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 1))
        table.add_column("")
        for name in ("before", "after", ""):
            table.add_column(name, justify="right")
        for split, words in _SPLITS.items():
            before, after = before_by_split[split], after_at.get(setting, {}).get(split)
            if before is not None and after is not None:
                _add_rows(table, words, before, after)
        if table.row_count:
            tables.append(table)
    return tables


def vote_lines(summary: dict[str, Any]) -> list[str]:
    """Returns how the votes turned, or without labels how they changed."""
    lines = []
    for split, words in _SPLITS.items():
        turned, changed = summary["turned"][split], summary["votes"][split]
        if changed is None:
            continue
        where = f"{words.capitalize()} questions, {SamplingSetting.of(changed).title}"
        if turned is not None:
            lines.append(f"{where}: {describe_turned(turned)}")
            continue
        lines.append(f"{where}, no label known: {describe_changed(changed)}")
        if changed["most_divided"]:
            lines.append("The votes that are most divided now:")
        for vote in changed["most_divided"]:
            answer = "no answer" if vote["after"] is None else vote["after"]
            lines.append(f"  {vote['question_id']}: {answer} with {vote['share_after']:.0%}")
    return lines


def _add_rows(table: Table, split: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    for metric in _scores_shown(before):
        change = 100 * (after[metric] - before[metric])
        table.add_row(
            f"{metric}, {split}",
            _with_interval(before, metric),
            _with_interval(after, metric),
            f"{change:+.1f} points",
        )


def _means(result: dict[str, Any]) -> str:
    """The scores of an evaluation in a line, or the agreement if nothing is graded."""
    scores = "  ".join(f"{name} {result[name]:.3f}" for name in _scores_shown(result))
    return scores or f"no label known, majority ratio {result['majority_ratio']:.3f}"


def _scores_shown(result: dict[str, Any]) -> list[str]:
    """The names of its scores; of one completion, mean@1, maj@1 and pass@1 are the same."""
    names = [name for name in result if "@" in name and not name.endswith("_ci95")]
    return names[:1] if names and names[0].endswith("@1") else names


def _with_interval(result: dict[str, Any], metric: str) -> str:
    low, high = result[metric + "_ci95"]
    return f"{result[metric]:.3f} [{low:.3f}, {high:.3f}]"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
