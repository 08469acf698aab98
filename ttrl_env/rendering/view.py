"""The view of a vote: all that is shown of it.

- `VoteView`: one group's question, votes and outcome.
- `view_vote`: makes one of completions.
- `shown`: any text, made fit to be shown.
- `wrapped`: text in lines.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ttrl_benchmarks import Benchmark, Question
from ttrl_benchmarks.printable import plain_text
from ttrl_env.consensus import Ballot, Verdict, hold_vote

__all__ = ["VoteView", "shown", "view_vote", "wrapped"]


@dataclass(frozen=True)
class VoteView:
    """What there is to show of one group.

    Attributes:
        prompt: What was asked.
        question_id: The question's id.
        position: Its place in the order of questions.
        group_size: How many votes there will be.
        completions: The completions so far.
        ballot: Their votes, or `None` before the first.
        verdict: What the reward made of them, or `None` where there is no reward, or not yet.
    """

    prompt: str
    question_id: str
    position: int
    group_size: int
    completions: tuple[str, ...] = ()
    ballot: Ballot | None = None
    verdict: Verdict | None = None

    @property
    def winner(self) -> int | None:
        """The pseudo-label's class, or `None`."""
        return None if self.verdict is None else self.verdict.pseudo_label

    @property
    def tally(self) -> list[tuple[int, str, int]]:
        """Class, first wording and votes of each answer, most votes first; -1 has no answer."""
        if self.ballot is None:
            return []
        # A stable sort: of equal counts, the answer that appeared first stays first.
        order = np.argsort(-self.ballot.counts, kind="stable")
        rows = [(int(k), self.ballot.representatives[k], int(self.ballot.counts[k])) for k in order]
        absent = int((self.ballot.classes == -1).sum())
        return [*rows, (-1, "no answer", absent)] if absent else rows

    @property
    def summary(self) -> str:
        """The outcome in one line."""
        if self.ballot is None:
            return f"0 of {self.group_size} votes"
        counted = f"{self.ballot.size} of {self.group_size} votes"
        if self.verdict is None:
            return counted
        pay = f"mean reward {self.verdict.rewards.mean():.3f}"
        if self.verdict.abstains:
            return f"{counted} · the group abstains · {pay}"
        if self.winner is None:
            return f"{counted} · no consensus · {pay}"
        share = self.ballot.counts[self.winner] / self.ballot.size
        answer = shown(self.ballot.representatives[self.winner], 24)
        return f"{counted} · consensus {answer} ({share:.0%}) · {pay}"


def view_vote(
    benchmark: Benchmark,
    question: Question,
    position: int,
    group_size: int,
    completions: tuple[str, ...] = (),
    verdict: Verdict | None = None,
) -> VoteView:
    """Makes the view of a group, counting the votes that there are so far.

    Args:
        benchmark: What the question belongs to.
        question: The question.
        position: Its place in the order of questions.
        group_size: How many votes there will be.
        completions: The completions so far.
        verdict: What the reward made of them, where there is one.
    """
    ballot = hold_vote(completions, question, benchmark, position) if completions else None
    return VoteView(
        prompt=benchmark.prompt(question),
        question_id=question.id,
        position=position,
        group_size=group_size,
        completions=completions,
        ballot=ballot,
        verdict=verdict,
    )


def shown(text: str, longest: int, *, end: bool = False) -> str:
    """Returns text on one line, without control characters and no longer than `longest`.

    So no completion can steer a terminal, reverse the direction of a line or fill the screen.

    Args:
        text: Any text, model output included.
        longest: The most characters.
        end: Keeps the end rather than the beginning of what is too long.
    """
    # Looked at first, cleaned after: a completion of a megabyte costs no more than a short one.
    part = text[-4 * longest :] if end else text[: 4 * longest]
    line = " ".join(part.split())
    clean = plain_text(line)
    if len(clean) <= longest and len(part) == len(text):
        return clean
    return "…" + clean[1 - longest :] if end else clean[: longest - 1] + "…"


def wrapped(text: str, fits: Callable[[str], bool]) -> list[str]:
    """Returns text in lines that fit, broken between words, or within one that is too long.

    >>> wrapped("one two longest", lambda line: len(line) <= 5)
    ['one', 'two', 'longe', 'st']
    """
    lines, line = [], ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if fits(joined):
            line = joined
            continue
        lines += [line] if line else []
        line = ""
        for letter in word:  # scripts without spaces are one long word
            if line and not fits(line + letter):
                lines.append(line)
                line = ""
            line += letter
    return [*lines, line]
