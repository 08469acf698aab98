"""Evaluations without a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ttrl_agents.evaluate import Evaluation, QuestionResult


def made_up_result(
    question_id: str,
    answers: Sequence[str | None],
    label: str | None = "1",
    level: int | None = None,
) -> QuestionResult:
    """A question whose completions gave these answers."""
    classes = list(dict.fromkeys(answer for answer in answers if answer is not None))
    return QuestionResult(
        question_id=question_id,
        level=level,
        prompt=f"{question_id}?",
        texts=tuple(f"so {answer}" for answer in answers),
        answers=tuple(answers),
        spans=tuple(None if each is None else (3, 3 + len(each)) for each in answers),
        rules=tuple("no answer" if each is None else "statement" for each in answers),
        keys=tuple(answers),
        votes=tuple(-1 if answer is None else classes.index(answer) for answer in answers),
        correct=None if label is None else tuple(answer == label for answer in answers),
        finished=tuple(answer is not None for answer in answers),
        tokens=tuple(range(3, 3 + len(answers))),
    )


def made_up_evaluation(right: Mapping[str, int], k: int = 4) -> Evaluation:
    """Questions of which so many of k completions are right; wrong ones all differ."""
    return Evaluation(
        tuple(
            made_up_result(name, ["1"] * count + [f"9{i}" for i in range(k - count)])
            for name, count in right.items()
        )
    )
