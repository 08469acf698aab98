"""Two subjects of a report, question by question.

- `pairs_of`: paired differences of what both measured alike, with their questions.
- `pair_sentences`: the most important of them in words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ttrl_agents.errors import AgentError
from ttrl_agents.evaluate.comparison import Comparison, check_comparable, compare
from ttrl_agents.report.questions import View

__all__ = ["pair_sentences", "pairs_of"]


def pairs_of(views: Sequence[View]) -> list[dict[str, Any]]:
    """Returns the paired differences, B less A, for each view that sets B beside A.

    What was not measured alike, or cannot be compared, is said under `note`.
    """
    pairs = []
    for view in views:
        if len({column.subject for column in view.columns}) < 2:
            continue
        a, b = (column.measured for column in view.columns)
        pair: dict[str, Any] = {"title": view.title, "scores": [], "questions": [], "note": ""}
        try:
            differing = check_comparable(a.config, b.config, force=True)
            comparison = compare(a.evaluation, b.evaluation)
        except AgentError as error:
            pairs.append(pair | {"note": str(error)})
            continue
        if differing:
            pair["note"] = f"Not measured alike: {'; '.join(differing)}."
        pair["scores"] = list(_scores(comparison, greedy=a.setting.greedy))
        pair["questions"] = _questions(comparison)
        pairs.append(pair)
    return pairs


def _scores(comparison: Comparison, *, greedy: bool) -> Iterator[dict[str, Any]]:
    for name, difference in comparison.differences.items():
        yield {
            "name": name,
            "questions": len(comparison.a.results),
            "a": difference.a,
            "b": difference.b,
            "mean": difference.interval.mean,
            "low": difference.interval.low,
            "high": difference.interval.high,
            "p": difference.p_value,
            "wins": difference.wins,
            "ties": difference.ties,
            "losses": difference.losses,
        }
        if greedy:
            return


def _questions(comparison: Comparison) -> list[list[Any]]:
    """The questions with mean@k of A and of B, from the largest gain to the largest loss."""
    means = (each.correct.mean(axis=1).tolist() for each in (comparison.a, comparison.b))
    rows = [
        [result.question_id, round(a, 6), round(b, 6)]
        for result, a, b in zip(comparison.b.results, *means, strict=True)
    ]
    return sorted(rows, key=lambda row: row[1] - row[2])


def pair_sentences(pairs: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yields a sentence for each pair: how far B is above A, and on how many questions."""
    for pair in pairs:
        if not pair["scores"]:
            yield f"{pair['title']}: {pair['note']}"
            continue
        score = pair["scores"][0]
        mean, low, high = (100 * score[name] for name in ("mean", "low", "high"))
        chance = "" if low > 0 or high < 0 else ", which is within chance"
        yield (
            f"{pair['title']}: {score['name']} of B is {score['b']:.3f}, that of A "
            f"{score['a']:.3f}: {mean:+.1f} points [{low:+.1f}, {high:+.1f}]{chance}; B is better "
            f"on {score['wins']} of {score['questions']} questions and worse on {score['losses']}."
        )
