"""Evaluation of a policy, and comparison of two evaluations.

- `evaluate`: samples completions of every labelled question and grades them; `ask` does the same
  portion by portion, with or without labels; `labelled`: the questions that have a label.
- `Evaluation`, `QuestionResult`: mean@k, maj@k, pass@k, by level; the answers.
- `Interval`, `pass_at_k`: 95 % intervals over questions, and the unbiased pass@k.
- `EvaluationFolder`: an evaluation on disk, complete or in progress.
- `compare`, `Comparison`: two evaluations, question by question; `detectable_difference`,
  `questions_needed`: the differences that a number of questions can show.
"""

from ttrl_agents.evaluate.ask import ask, evaluate, labelled
from ttrl_agents.evaluate.comparison import Comparison, compare
from ttrl_agents.evaluate.evaluation import Evaluation
from ttrl_agents.evaluate.folder import EvaluationFolder
from ttrl_agents.evaluate.results import QuestionResult
from ttrl_agents.evaluate.statistics import (
    Interval,
    bootstrap_intervals,
    detectable_difference,
    pass_at_k,
    questions_needed,
    sign_flip_p_value,
)

__all__ = [
    "Comparison",
    "Evaluation",
    "EvaluationFolder",
    "Interval",
    "QuestionResult",
    "ask",
    "bootstrap_intervals",
    "compare",
    "detectable_difference",
    "evaluate",
    "labelled",
    "pass_at_k",
    "questions_needed",
    "sign_flip_p_value",
]
