"""Stored completions voted on again, under other rewards; no model is needed.

- `revote`: the verdicts of several rewards on the same votes.
- `Revote`: what it returns; `RewardScores` are those of one reward.
- `ballot_of`: the votes of a stored question, as a reward sees them.
- `benchmark_of`: the questions of an evaluation on disk.

A reward that needs what an evaluation does not store, such as log-probabilities, is named with the
reason. What a reward remembers between visits of a question has no effect: each is visited once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ttrl_agents.config.eval_config import EvalConfig
from ttrl_agents.config.train_config import read_config
from ttrl_agents.errors import AgentError
from ttrl_agents.evaluate.folder import EvaluationFolder
from ttrl_agents.evaluate.results import QuestionResult
from ttrl_agents.evaluate.statistics import Interval, bootstrap_intervals
from ttrl_agents.run.env_questions import asked_questions, load_questions
from ttrl_agents.run.folder import CONFIG
from ttrl_benchmarks import Benchmark, Question
from ttrl_benchmarks.errors import UserError
from ttrl_env.answers import Extraction, answer_key
from ttrl_env.consensus import Ballot, Estimator, Verdict, resolve_estimator
from ttrl_env.consensus.cards import needs_of
from ttrl_env.consensus.verdict import check_verdict

__all__ = ["Revote", "RewardScores", "ballot_of", "benchmark_of", "revote"]

_NOT_STORED = {
    "log-probs": "it needs log-probabilities of the tokens, which an evaluation does not store",
    "token statistics": "it needs the entropies of the tokens, which an evaluation does not store",
    "two prompts": "it compares two wordings of each question, and an evaluation asks one",
}
_NO_LABEL = "it needs labels, and none of the questions has one"


@dataclass(frozen=True)
class RewardScores:
    """What a reward makes of the votes.

    Attributes:
        mean_reward: The mean reward of a completion.
        abstained: The share of questions on which it abstains.
        silent: The share of questions that teach nothing: it abstains, or rewards all completions
            alike.
        unnamed: How many questions get no pseudo-label.
        changed: How many pseudo-labels are not the most frequent answer.
        label_accuracy: The share of questions with a label whose pseudo-label is right; `None`
            where no pseudo-label is named at all.
        reward_accuracy: The share of rewards that are those of the label, 1 or 0; `None` without
            labels, or where rewards have other values as well.
        pseudo_labels: The pseudo-label of each question, in their order.
        right: Whether each is right; `None` without a label.
    """

    mean_reward: float
    abstained: float
    silent: float
    unnamed: int
    changed: int
    label_accuracy: Interval | None
    reward_accuracy: Interval | None
    pseudo_labels: tuple[str | None, ...]
    right: tuple[bool | None, ...]

    def to_dict(self) -> dict[str, Any]:
        """Returns the scores as JSON, without the pseudo-labels."""
        values: dict[str, Any] = {
            "mean_reward": round(self.mean_reward, 6),
            "abstained": round(self.abstained, 6),
            "silent": round(self.silent, 6),
            "unnamed": self.unnamed,
            "changed": self.changed,
        }
        for name in ("label_accuracy", "reward_accuracy"):
            each = getattr(self, name)
            values[name] = None if each is None else round(each.mean, 6)
            values[f"{name}_ci95"] = (
                None if each is None else [round(each.low, 6), round(each.high, 6)]
            )
        return values


@dataclass(frozen=True)
class Revote:
    """The verdicts of several rewards on the same votes.

    Attributes:
        questions: The ids of the questions.
        scores: The scores of each reward.
        reasons: Why a reward cannot be computed.
    """

    questions: tuple[str, ...]
    scores: Mapping[str, RewardScores]
    reasons: Mapping[str, str]

    def electing(self) -> dict[str, RewardScores]:
        """Returns the scores of the rewards that name a pseudo-label at all."""
        count = len(self.questions)
        return {name: each for name, each in self.scores.items() if each.unnamed < count}

    def disputed(self) -> list[int]:
        """Returns the places of the questions on which pseudo-labels differ, most divided first."""
        electing = self.electing().values()
        kinds = [
            len({each.pseudo_labels[place] for each in electing} - {None})
            for place in range(len(self.questions))
        ]
        return sorted((i for i, count in enumerate(kinds) if count > 1), key=lambda i: -kinds[i])


def revote(
    results: Sequence[QuestionResult], benchmark: Benchmark, rewards: Iterable[str]
) -> Revote:
    """Votes stored completions again.

    Args:
        results: The questions with their completions.
        benchmark: The benchmark that they belong to.
        rewards: The rewards as text, e.g. `"majority(tie=abstain)"`.

    Raises:
        AgentError: A question is not of the benchmark, or was asked in other words.
    """
    ballots = _ballots(results, benchmark)
    scores: dict[str, RewardScores] = {}
    reasons: dict[str, str] = {}
    for reward in dict.fromkeys(rewards):
        try:
            estimator = resolve_estimator(reward, benchmark)
            reason = _missing(estimator, results)
            if reason is None:
                scores[reward] = _scores(estimator, ballots, results)
        except (UserError, ValueError) as error:  # it cannot be made, or not vote on this
            reason = str(error)
        if reason is not None:
            reasons[reward] = reason
    return Revote(tuple(each.question_id for each in results), scores, reasons)


def ballot_of(result: QuestionResult, question: Question, benchmark: Benchmark, at: int) -> Ballot:
    """Returns the votes of a stored question, with the answers that were read at the time.

    Args:
        result: The completions.
        question: The question.
        benchmark: The benchmark that it belongs to.
        at: The place of the question.
    """
    classes = np.array(result.votes, dtype=np.int64)
    counts = np.bincount(classes[classes >= 0])
    first = [result.answers[result.votes.index(each)] or "" for each in range(len(counts))]
    nothing = (None,) * result.k
    return Ballot(
        question=question,
        position=at,
        answer_format=benchmark.answer_format,
        texts=result.texts,
        extractions=tuple(map(_extraction, result.answers, result.spans, result.rules)),
        classes=classes,
        counts=counts,
        keys=tuple(answer_key(answer, benchmark.answer_format) for answer in first),
        representatives=tuple(first),
        confidences=np.full(result.k, np.nan),
        lengths=np.array(result.tokens, dtype=np.int64),
        finished=np.array(result.finished, dtype=np.bool_),
        variants=np.zeros(result.k, dtype=np.int64),
        token_log_probs=nothing,
        token_entropies=nothing,
        token_self_certainties=nothing,
    )


def benchmark_of(folder: EvaluationFolder, data: Path | None = None) -> Benchmark:
    """Returns the questions of an evaluation on disk, of `ttrl eval` or of a run.

    Args:
        folder: The evaluation.
        data: The file of its questions, if it is not where it was.

    Raises:
        AgentError: It does not say which questions it asked.
        BenchmarkError: They cannot be loaded.
    """
    config = folder.config()
    if "options" in config:
        options = EvalConfig.from_dict(config["options"])
        return asked_questions(replace(options, data=data or options.data), split=options.split)
    for parent in folder.path.resolve().parents:
        if parent.name == "evaluations" and (parent.parent / CONFIG).is_file():
            train, held_out = load_questions(read_config(parent.parent / CONFIG))
            return train if folder.path.name == "train" or held_out is None else held_out
    raise AgentError(
        f"{folder.path} is the evaluation of a run and was moved out of its directory, so it is "
        "not known which questions it asked. Put it back."
    )


def _ballots(results: Sequence[QuestionResult], benchmark: Benchmark) -> list[Ballot]:
    known = {question.id: question for question in benchmark.questions}
    ballots = []
    for at, result in enumerate(results):
        question = known.get(result.question_id)
        if question is None or benchmark.prompt(question) != result.prompt:
            raise AgentError(
                f"Question {result.question_id!r} is not in {benchmark.name!r} in the words in "
                "which it was asked; its file was changed. Name the file of the time with --data."
            )
        ballots.append(ballot_of(result, question, benchmark, at))
    return ballots


def _extraction(answer: str | None, span: tuple[int, int] | None, rule: str | None) -> Extraction:
    start, stop = span or (-1, -1)
    return Extraction(answer, start, stop, rule or "")


def _missing(estimator: Estimator, results: Sequence[QuestionResult]) -> str | None:
    """Returns why a reward cannot be computed, or `None` if it can."""
    needs = needs_of(estimator)
    if "labels" in needs and all(each.correct is None for each in results):
        return _NO_LABEL
    return next((_NOT_STORED[need] for need in needs if need in _NOT_STORED), None)


def _scores(
    estimator: Estimator, ballots: Sequence[Ballot], results: Sequence[QuestionResult]
) -> RewardScores:
    verdicts = [check_verdict(estimator(ballot), ballot, estimator) for ballot in ballots]
    rows = list(zip(ballots, verdicts, results, strict=True))
    right = tuple(
        None if result.correct is None else _is_right(verdict, result)
        for _, verdict, result in rows
    )
    graded = [
        (float(bool(is_right)), float(np.mean(verdict.rewards == np.array(result.correct))))
        for (_, verdict, result), is_right in zip(rows, right, strict=True)
        if is_right is not None
    ]
    intervals = bootstrap_intervals(graded) if graded else [None, None]
    unnamed = sum(verdict.pseudo_label is None for verdict in verdicts)
    return RewardScores(
        mean_reward=float(np.mean([verdict.rewards.mean() for verdict in verdicts])),
        abstained=float(np.mean([verdict.abstains for verdict in verdicts])),
        silent=float(np.mean([_teaches_nothing(verdict) for verdict in verdicts])),
        unnamed=unnamed,
        changed=sum(
            verdict.pseudo_label not in (None, _majority(ballot)) for ballot, verdict, _ in rows
        ),
        label_accuracy=intervals[0] if unnamed < len(rows) else None,
        reward_accuracy=intervals[1] if _is_binary(verdicts) else None,
        pseudo_labels=tuple(ballot.answer_of(verdict.pseudo_label) for ballot, verdict, _ in rows),
        right=right,
    )


def _is_right(verdict: Verdict, result: QuestionResult) -> bool:
    label = verdict.pseudo_label
    return label is not None and bool((result.correct or ())[result.votes.index(label)])


def _teaches_nothing(verdict: Verdict) -> bool:
    taught: npt.NDArray[np.float64] = (
        verdict.rewards if verdict.advantages is None else verdict.advantages
    )
    return verdict.abstains or bool((taught == taught[0]).all())


def _is_binary(verdicts: Sequence[Verdict]) -> bool:
    return all(bool(np.isin(verdict.rewards, (0, 1)).all()) for verdict in verdicts)


def _majority(ballot: Ballot) -> int | None:
    return next(iter(ballot.most_frequent()), None)
