"""Measuring a policy, and telling whether two measurements differ.

- `evaluate`: samples completions of every labelled question and grades them; `ask` is the same
  portion by portion, labels or none; `labelled` are those questions.
- `Evaluation`, `QuestionResult`: mean@k, maj@k, pass@k, by level; what was answered.
- `Interval`, `pass_at_k`: 95 % intervals over questions, and the unbiased pass@k.
- `EvaluationFolder`: an evaluation on disk, whole or under way.
- `compare`, `Comparison`: two evaluations, question by question; `detectable_difference`,
  `questions_needed`: what one of some size can show.
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
