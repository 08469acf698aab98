"""The format reward: any answer that was finished."""

from __future__ import annotations

from env_fakes import NO_ANSWER, boxed, vote

from ttrl_env import Completion
from ttrl_env.consensus import FormatOnly


def test_format_only_pays_any_answer_that_was_finished() -> None:
    cut = Completion(boxed(3), finished=False)
    ballot = vote([boxed(1), boxed(2), cut, NO_ANSWER])
    assert FormatOnly()(ballot).rewards.tolist() == [1, 1, 0, 0]
