"""Sample completions of a run, written at intervals.

- `SamplesCallback`: writes the completions of one question into `samples/`.
- `sample_text`: one group of a step, as Markdown.
- `sample_path`: where the sample of a step is.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from ttrl_agents.callbacks.base import Callback, Run
from ttrl_agents.rollout import Rollout
from ttrl_env.files import write_atomically

__all__ = ["SamplesCallback", "sample_path", "sample_text"]

_WIDEST_ANSWER = 40


class SamplesCallback(Callback):
    """Writes `samples/step-000020.md` and the like: the first question of the step.

    Args:
        every: The number of steps between two samples.
    """

    def __init__(self, every: int) -> None:
        self.every = every
        self._folder: Path | None = None

    def on_start(self, run: Run) -> None:
        """Remembers where to write."""
        self._folder = run.folder

    def on_rollout(self, step: int, rollout: Rollout, votes: dict[str, Any]) -> None:
        """Writes the sample, if one is due."""
        if self._folder is not None and step % self.every == 0:
            path = sample_path(self._folder, step)
            path.parent.mkdir(exist_ok=True)
            write_atomically(path, sample_text(step, rollout, votes))


def sample_path(folder: Path, step: int) -> Path:
    """Returns where the sample of a step is in a run directory.

    >>> print(sample_path(Path("run"), 20))
    run/samples/step-000020.md
    """
    return folder / "samples" / f"step-{step:06d}.md"


def sample_text(step: int, rollout: Rollout, votes: dict[str, Any], group: int = 0) -> str:
    """Returns one group of a step: prompt, votes, rewards and completions, as Markdown.

    Model output is fenced so that it cannot close its fence: a viewer shows it as text.

    Args:
        step: The training step, counted from 1.
        rollout: What was sampled.
        votes: The environment's information about it.
        group: Which of its groups.
    """
    members = range(group * rollout.group_size, (group + 1) * rollout.group_size)
    first = members[0]
    consensus = votes["consensus"][first]
    rows = [("", "answer", "vote", "reward", "tokens", "ended")]
    for number, i in enumerate(members, 1):
        ids = rollout.completions[i].token_ids
        rows.append(
            (
                str(number),
                _short(votes["answer"][i]),
                "-" if votes["vote"][i] < 0 else str(votes["vote"][i]),
                f"{rollout.rewards[i]:g}",
                "?" if ids is None else str(len(ids)),
                "yes" if rollout.completions[i].finished else "no",
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    table = "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
    ratio = float(votes["majority_ratio"][first])
    said = "no answer" if consensus is None else _short(consensus)
    lines = [
        f"# Step {step}",
        "",
        _fenced(
            f"question    {_short(votes['question_id'][first])}\n"
            f"consensus   {said}, {ratio:.0%} of {rollout.group_size} votes"
            + (" (the group abstains)" if rollout.abstained[first] else "")
        ),
        "",
        "## Prompt",
        "",
        _fenced(rollout.prompts[first]),
        "",
        "## Votes",
        "",
        _fenced(table),
    ]
    for number, i in enumerate(members, 1):
        lines += ["", f"## Completion {number}", "", _fenced(str(rollout.completions[i]))]
    return "\n".join(lines) + "\n"


def _short(answer: str | None) -> str:
    """The answer on one line, even if it contains line breaks."""
    if answer is None:
        return "-"
    line = json.dumps(answer, ensure_ascii=False)[1:-1].encode("utf-8", "replace").decode()
    return line if len(line) <= _WIDEST_ANSWER else line[: _WIDEST_ANSWER - 1] + "…"


def _fenced(text: str) -> str:
    """A code block with a fence longer than any run of backticks inside."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    clean = text.encode("utf-8", "replace").decode()
    return f"{fence}text\n{clean}\n{fence}"
