"""Any task of `reasoning-gym`, which makes its questions by rule and by seed.

- `CARD`: what a listing says of them.
- `load`: the questions of a task, and their labels, sealed.
"""

from __future__ import annotations

import importlib.util
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ttrl_benchmarks.base import ANSWER_FORMATS, AnswerFormat, Benchmark, Question, SealedLabels
from ttrl_benchmarks.card import PAPER_INSTRUCTION, BenchmarkCard
from ttrl_benchmarks.columns import clean_label, normalized_text
from ttrl_benchmarks.entries import register_benchmark
from ttrl_benchmarks.errors import BenchmarkError, unknown_name

__all__ = ["CARD", "load"]

CARD = BenchmarkCard(
    name="reasoning-gym",
    title="Reasoning Gym",
    env_id="TTRL-ReasoningGym-v0",
    answer_format="text",
    made_by="the reasoning-gym package",
    licence="Apache-2.0 (the reasoning-gym package)",
    citation=(
        "Stojanovski et al., Reasoning Gym: Reasoning Environments for Reinforcement Learning "
        "with Verifiable Rewards, 2025 (arXiv 2505.24760)."
    ),
)
# Simple tasks repeat themselves; this many draws for each question wanted, then give up.
DRAWS = 10


def load(
    *,
    task: str,
    size: int = 100,
    seed: int = 0,
    config: Mapping[str, Any] | None = None,
    answer_format: AnswerFormat = "text",
    instruction: str | None = None,
) -> Benchmark:
    """Makes questions of a `reasoning-gym` task.

    Args:
        task: The task's name, e.g. `"chain_sum"`.
        size: How many different questions to make.
        seed: Names the questions, together with the installed version of `reasoning-gym`.
        config: Options of the task, as `reasoning_gym.create_dataset` takes them.
        answer_format: How answers are extracted and compared.
        instruction: What is appended to each question; otherwise the paper's instruction.

    Returns:
        The questions, named by task, seed and place. Tasks that have many right answers and name
        none come without labels.

    Raises:
        BenchmarkError: `reasoning-gym` is not installed, the task or an option of it is unknown,
            or it has fewer different questions.
    """
    if importlib.util.find_spec("reasoning_gym") is None:
        raise BenchmarkError(
            "This benchmark needs reasoning-gym; run `pip install 'ttrl-env[reasoning-gym]'`."
        )
    if answer_format not in ANSWER_FORMATS:
        raise unknown_name("answer format", answer_format, ANSWER_FORMATS)
    if size < 1:
        raise BenchmarkError(f"size={size} makes no question; use at least 1.")
    made = _make(task, DRAWS * size, seed, dict(config or {}))
    questions: list[Question] = []
    labels: dict[str, str] = {}
    for place, entry in _distinct(made, size):
        question = Question(id=f"{task}/{seed}/{place}", text=entry["question"])
        questions.append(question)
        if entry["answer"] is not None:
            labels[question.id] = clean_label(
                str(entry["answer"]), answer_format, f"{task}, question {place}"
            )
    if len(questions) < size:
        raise BenchmarkError(
            f"reasoning-gym task {task!r} gave {len(questions)} different questions in "
            f"{DRAWS * size} draws, not {size}; ask for fewer, or widen its config."
        )
    return Benchmark(
        name=f"{CARD.name}/{task}",
        questions=tuple(questions),
        labels=SealedLabels(labels),
        answer_format=answer_format,
        instruction=PAPER_INSTRUCTION if instruction is None else instruction,
    )


def _distinct(made: Any, size: int) -> Iterator[tuple[int, Any]]:
    """Yields the first `size` entries with different questions, each with its place."""
    seen: set[str] = set()
    for place in range(DRAWS * size):
        if len(seen) == size:
            return
        entry = made[place]
        key = normalized_text(entry["question"])
        if key not in seen:
            seen.add(key)
            yield place, entry


def _make(task: str, size: int, seed: int, config: dict[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Makes the entries of a task; some may have the same question."""
    state = random.getstate()
    try:
        import reasoning_gym
        from reasoning_gym.factory import DATASETS
    except ImportError as error:
        raise BenchmarkError(
            f"reasoning-gym cannot be imported ({error}); install it with what it needs: "
            "`pip install 'ttrl-env[reasoning-gym]'`."
        ) from error
    random.setstate(state)  # importing it draws from Python's global generator
    if task not in DATASETS:
        raise unknown_name("reasoning-gym task", task, DATASETS)
    try:
        made: Sequence[Mapping[str, Any]] = reasoning_gym.create_dataset(
            task, size=size, seed=seed, **config
        )
    except (TypeError, ValueError, AssertionError) as error:
        raise BenchmarkError(
            f"reasoning-gym task {task!r} refuses config={config!r}: {error}; correct it."
        ) from error
    return made


register_benchmark(CARD, load)
