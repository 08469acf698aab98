"""The votes of a run: `votes.jsonl`, one line for each group of each step.

- `GroupVotes`: one line: what a group answered, and what became of it.
- `AnswerVotes`: one of its answers.
- `read_votes`: reads the lines of a run.
- `votes_of_step`: the lines of a step, from what the environment said of it.
- `append_votes`: adds them to the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ttrl_agents.errors import AgentError
from ttrl_agents.rollout import Rollout
from ttrl_agents.run.folder import VOTES, check_lines
from ttrl_env.files import append_durably, parse_json

__all__ = ["AnswerVotes", "GroupVotes", "append_votes", "read_votes", "votes_of_step"]


@dataclass(frozen=True)
class AnswerVotes:
    """One answer of a group.

    Attributes:
        answer: The answer as the first of its completions wrote it.
        key: Its canonical key; answers with equal keys are one vote.
        count: How many completions gave it.
    """

    answer: str
    key: str
    count: int


@dataclass(frozen=True)
class GroupVotes:
    """The votes on one question at one step. Only `label_accuracy` depends on a label.

    Attributes:
        step: The training step, from 1, as in `metrics.jsonl`.
        question_id: The question.
        position: The place of the group in the order of questions; names the visit.
        answers: The answers, in the order in which they first appeared.
        votes: For each completion, the place of its answer in `answers`; -1 for no answer.
        pseudo_label: The place in `answers` of the answer that the reward took as the label; `None`
            where it took none.
        majority_ratio: The share of the completions that gave the most frequent answer.
        abstained: Whether the reward abstained, so that the group taught nothing.
        rewards: The reward of each completion.
        flip: Whether the most frequent answer is another than at the last visit of the question;
            `None` at the first visit and where nobody answered. Its mean over a step is the
            metric `flip_rate`.
        label_accuracy: 1 if the pseudo-label is right, else 0; `None` for a question without label.
    """

    step: int
    question_id: str
    position: int
    answers: tuple[AnswerVotes, ...]
    votes: tuple[int, ...]
    pseudo_label: int | None
    majority_ratio: float
    abstained: bool
    rewards: tuple[float, ...]
    flip: bool | None
    label_accuracy: float | None

    @property
    def majority(self) -> int | None:
        """The place of the most frequent answer, the first in a tie; `None` without any answer."""
        counts = [each.count for each in self.answers]
        return counts.index(max(counts)) if counts else None

    @property
    def absent(self) -> int:
        """How many completions gave no answer."""
        return self.votes.count(-1)

    def to_line(self) -> str:
        """Returns the group as a line of JSON, in ASCII: an answer may hold lone surrogates."""
        return json.dumps(asdict(self), separators=(",", ":")) + "\n"

    @classmethod
    def from_line(cls, line: str) -> GroupVotes:
        """Returns the group of a line that `to_line` wrote.

        Raises:
            ValueError: The line is not one of these.
        """
        try:
            values = parse_json(line)
            answers = tuple(AnswerVotes(**each) for each in values["answers"])
            lists = {name: tuple(values[name]) for name in ("votes", "rewards")}
            return cls(**{**values, **lists, "answers": answers})
        except (TypeError, KeyError) as error:
            raise ValueError(f"not the votes of a group: {error}") from error


def read_votes(folder: Path) -> list[GroupVotes]:
    """Returns the votes of a run, in the order of its steps and, within one, of its groups.

    An incomplete last line, which a run leaves that is killed, is left out.

    Args:
        folder: The run directory.

    Raises:
        AgentError: The folder has no votes, or a line is damaged.
    """
    path = folder / VOTES
    if not path.is_file():
        raise AgentError(
            f"{folder} has no {VOTES}: it is not the directory of a training run, or of one made "
            "by an earlier version."
        )
    return list(check_lines(path, GroupVotes.from_line))


def votes_of_step(
    step: int, rollout: Rollout, votes: Mapping[str, Any], last: MutableMapping[str, str]
) -> list[GroupVotes]:
    """Returns the votes of each group of a step.

    Args:
        step: The training step, from 1.
        rollout: The completions and their rewards.
        votes: The information about each completion, as `Callback.on_rollout` gets it.
        last: The key of the most frequent answer at the last visit of each question; updated.
    """
    groups = []
    for start in range(0, len(rollout.rewards), rollout.group_size):
        members = slice(start, start + rollout.group_size)
        classes = np.asarray(votes["vote"][members]).tolist()
        written = list(votes["answer"][members])
        counts = np.bincount([each for each in classes if each >= 0]).tolist()
        first = [classes.index(place) for place in range(len(counts))]
        answers = tuple(
            AnswerVotes(written[member], str(votes["answer_key"][start + member]), count)
            for member, count in zip(first, counts, strict=True)
        )
        consensus = votes["consensus"][start]
        question_id = str(votes["question_id"][start])
        graded = votes.get("_label_accuracy")
        group = GroupVotes(
            step=step,
            question_id=question_id,
            position=int(votes["position"][start]),
            answers=answers,
            votes=tuple(classes),
            pseudo_label=None if consensus is None else classes[written.index(consensus)],
            majority_ratio=float(votes["majority_ratio"][start]),
            abstained=bool(votes["abstained"][start]),
            rewards=tuple(map(float, rollout.rewards[members])),
            flip=_flip(answers, counts, last, question_id),
            label_accuracy=(
                float(votes["label_accuracy"][start])
                if graded is not None and graded[start]
                else None
            ),
        )
        groups.append(group)
    return groups


def _flip(
    answers: tuple[AnswerVotes, ...],
    counts: list[int],
    last: MutableMapping[str, str],
    question_id: str,
) -> bool | None:
    """Returns whether the winner is another than at the last visit, and remembers it."""
    if not counts:
        return None
    winner = answers[counts.index(max(counts))].key
    before = last.get(question_id)
    last[question_id] = winner
    return None if before is None else before != winner


def append_votes(folder: Path, groups: Iterable[GroupVotes]) -> None:
    """Adds groups to the votes of a run; they are on the disk when it returns."""
    append_durably(folder / VOTES, "".join(group.to_line() for group in groups))
