"""`ttrl compare`: whether two evaluations differ, question by question.

- `compare`: the command.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ttrl_agents.cli.console import CommandConsole
from ttrl_agents.errors import AgentError
from ttrl_agents.printed import printed

if TYPE_CHECKING:
    from ttrl_agents.evaluate.comparison import Comparison, Difference
    from ttrl_agents.evaluate.folder import EvaluationFolder

__all__ = ["compare"]

_WORDS = {"": "", "train": ", trained questions", "held_out": ", held-out questions"}


def compare(
    a: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="A")],
    b: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="B")],
    force: bool = False,
    changed: int = 10,
) -> None:
    """Compares two evaluations on the questions that both contain.

    Prints how far mean@k and maj@k of B are above those of A, with paired bootstrap 95 %
    intervals over questions and the p-value of the exact paired permutation test (signs of the
    differences are flipped), wins, ties and losses, and the questions that changed most.

    Args:
        a: The output folder of ttrl eval, RUN/evaluations/before or the like, or a run directory of
            ttrl train, for its evaluation at the end.
        b: The evaluation to compare with it, in the same forms.
        force: Compare even if k or the sampling settings differ.
        changed: How many of the questions that changed most to show.
    """
    from ttrl_agents.evaluate.comparison import check_comparable
    from ttrl_agents.evaluate.comparison import compare as compare_evaluations
    from ttrl_agents.evaluate.setting import SamplingSetting

    console = CommandConsole()
    for name, folder_a, folder_b in _with_labels(console, _pairs(a, b)):
        config_a, config_b = folder_a.config(), folder_b.config()
        differing = check_comparable(config_a, config_b, force=force)
        whole_a, whole_b = folder_a.read(), folder_b.read()
        comparison = compare_evaluations(whole_a, whole_b)
        shared = len(comparison.a.results)
        title = (
            f"{config_a['benchmark']}{_WORDS[name]}: B less A on {shared} shared questions, "
            f"{SamplingSetting.of(config_a).title}"
        )
        console.print(Text(title, style="bold"))
        for letter, folder, config, whole in (
            ("A", folder_a, config_a, whole_a),
            ("B", folder_b, config_b, whole_b),
        ):
            words = f"model {config['model']}"
            if config["weights"] is not None:  # a server does not report them
                words += f", weights {config['weights'][:8]}"
            if len(whole.results) > shared:
                words += f"; {shared} of its {len(whole.results)} questions"
            console.print(printed(f"  {letter}  {folder.path}  ({words})"), soft_wrap=True)
        for words in differing:
            console.print(printed(f"  Not measured alike: {words}."), soft_wrap=True)
        console.print(_table(comparison))
        if rows := comparison.most_changed(max(changed, 0)):
            console.print(_changed_table(comparison, rows))
        deviations = ", ".join(
            f"{score} {each.deviation:.3f}" for score, each in comparison.differences.items()
        )
        console.print(
            f"Standard deviation over questions of the difference: {deviations}\n", soft_wrap=True
        )


def _with_labels(
    console: Console, pairs: list[tuple[str, EvaluationFolder, EvaluationFolder]]
) -> list[tuple[str, EvaluationFolder, EvaluationFolder]]:
    """Returns the pairs with labels and prints which have none; all pairs if none has."""
    graded = [pair for pair in pairs if all(folder.read().graded for folder in pair[1:])]
    if not graded:
        return pairs
    for name, folder, _ in pairs:
        if name not in [each for each, _, _ in graded]:
            words = f"{folder.config()['benchmark']}{_WORDS[name]}: no label, nothing to compare"
            console.print(Text(words, style="bold"))
    return graded


def _pairs(a: Path, b: Path) -> list[tuple[str, EvaluationFolder, EvaluationFolder]]:
    """The evaluations that belong together: by the kind of question, else by benchmark."""
    from ttrl_agents.evaluate.folder import find_evaluations

    found_a, found_b = find_evaluations(a), find_evaluations(b)
    pairs = [(name, found_a[name], found_b[name]) for name in found_a if name in found_b]
    if pairs:
        return pairs
    pairs = [
        (name_a or name_b, one, other)
        for name_a, one in found_a.items()
        for name_b, other in found_b.items()
        if one.config()["benchmark"] == other.config()["benchmark"]
    ]
    if not pairs:
        names_a, names_b = (
            ", ".join(sorted({each.config()["benchmark"] for each in found.values()}))
            for found in (found_a, found_b)
        )
        raise AgentError(f"{a} measures {names_a}, {b} measures {names_b}: nothing in common.")
    return pairs


def _table(comparison: Comparison) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1))
    table.add_column("")
    table.add_column("score")
    for name in ("n", "A", "B", "B - A, points [95 %]", "p", "win/tie/loss"):
        table.add_column(name, justify="right")
    parts = {"all": comparison}
    if len(comparison.levels) > 1:
        parts |= {f"level {level}": comparison.of_level(level) for level in comparison.levels}
    for words, part in parts.items():
        for score, difference in part.differences.items():
            table.add_row(words, score, str(len(part.a.results)), *_cells(difference))
    return table


def _cells(difference: Difference) -> tuple[str, ...]:
    interval, p = difference.interval, difference.p_value
    mean, low, high = (100 * each for each in (interval.mean, interval.low, interval.high))
    return (
        f"{difference.a:.3f}",
        f"{difference.b:.3f}",
        f"{mean:+.1f} [{low:+.1f}, {high:+.1f}]",
        "<0.0001" if p < 0.0001 else f"{p:.4f}",
        f"{difference.wins}/{difference.ties}/{difference.losses}",
    )


def _changed_table(comparison: Comparison, rows: list[tuple[str, float, float]]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(f"changed most ({comparison.name('mean')})")
    for name in ("A", "B", "B - A"):
        table.add_column(name, justify="right")
    for question_id, of_a, of_b in rows:
        table.add_row(
            printed(question_id), f"{of_a:.3f}", f"{of_b:.3f}", f"{100 * (of_b - of_a):+.0f} points"
        )
    return table
