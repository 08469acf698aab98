"""Sampling and grading completions of questions.

- `ask`: samples completions of questions, portion by portion.
- `evaluate`: samples completions of every labelled question and grades them.
- `look_at_first`: what looks at the first completions.
- `labelled`: the questions that can be graded.
- `measurable`: those, or all questions if none can be graded.
- `spread`: some of them, spread evenly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ttrl_agents.evaluate.evaluation import Evaluation
from ttrl_agents.evaluate.results import QuestionResult, grade_question
from ttrl_agents.evaluate.text_labels import warn_of_text_labels
from ttrl_agents.policy.checks import check_first_completions
from ttrl_agents.samplers import Sampler, SamplingParams
from ttrl_agents.samplers.base import Progress
from ttrl_agents.seeds import completion_seeds
from ttrl_benchmarks import Benchmark, Question

__all__ = ["Answered", "ask", "evaluate", "labelled", "look_at_first", "measurable", "spread"]

_COMPLETIONS_AT_ONCE = 1024

Look = Callable[[Sequence[QuestionResult]], None]
Answered = Callable[[int], None]
"""Called with the number of questions whose completions are all sampled."""


def ask(
    sampler: Sampler,
    benchmark: Benchmark,
    questions: Sequence[Question],
    *,
    k: int,
    params: SamplingParams,
    seed: int,
    portion: int | None = None,
    progress: Progress | None = None,
    answered: Answered | None = None,
) -> Iterator[list[QuestionResult]]:
    """Samples k completions of each question and grades those that have a label.

    The random numbers of a completion are a function of the seed, its question and its place among
    the question's completions, so they do not depend on the other questions, on `portion`, or on k.
    (The model's rounding depends slightly on how many rows it runs at once: only the same portions
    give identical bits.)

    Args:
        sampler: Where completions come from.
        benchmark: The benchmark that the questions belong to.
        questions: Which to ask.
        k: Completions for each question.
        params: The parameters of sampling.
        seed: The seed of the sampling.
        portion: Questions that are sampled at once; by default what makes 1,024 completions.
        progress: Called with the number of new tokens during sampling.
        answered: Called with the number of questions whose completions are all sampled, whenever
            the sampler reports that there are more.

    Yields:
        The results of a portion.
    """
    portion = portion or max(1, _COMPLETIONS_AT_ONCE // k)
    for start in range(0, len(questions), portion):
        asked = questions[start : start + portion]
        prompts = [benchmark.prompt(question) for question in asked for _ in range(k)]
        seeds = [each for question in asked for each in completion_seeds(seed, question.id, k)]
        counted = _CountQuestions(k, len(prompts), start, progress, answered)
        completions = sampler.sample(prompts, params, seed=seeds, progress=counted)
        yield [
            grade_question(completions[i * k : (i + 1) * k], question, benchmark)
            for i, question in enumerate(asked)
        ]


class _CountQuestions:
    """Counts the questions of a portion whose completions are all sampled; a `CompletionProgress`.

    Args:
        k: Completions for each question.
        completions: Completions of the portion.
        before: Questions that were answered before it.
        tokens: Called with the number of new tokens.
        answered: Called with the number of questions that are answered.
    """

    def __init__(
        self,
        k: int,
        completions: int,
        before: int,
        tokens: Progress | None,
        answered: Answered | None,
    ) -> None:
        self._k = k
        self._writing = set(range(completions))
        self._left = [k] * (completions // k)
        self._done = before
        self._tokens, self._answered = tokens, answered

    def __call__(self, tokens: int, /) -> None:
        if self._tokens is not None:
            self._tokens(tokens)

    def finished(self, places: Sequence[int]) -> None:
        before = self._done
        for place in self._writing.intersection(places):  # an engine that restarts repeats some
            question = place // self._k
            self._left[question] -= 1
            self._done += self._left[question] == 0
        self._writing.difference_update(places)
        if self._answered is not None and self._done > before:
            self._answered(self._done)


def evaluate(
    sampler: Sampler,
    benchmark: Benchmark,
    *,
    k: int,
    params: SamplingParams,
    seed: int,
    questions: Sequence[Question] | None = None,
    progress: Progress | None = None,
    answered: Answered | None = None,
    stop: Callable[[], bool] = lambda: False,
    look: Look | None = None,
) -> Evaluation | None:
    """Samples k completions of every labelled question and grades them.

    Args:
        sampler: Where completions come from.
        benchmark: The benchmark that the questions belong to.
        k: Completions for each question.
        params: The parameters of sampling.
        seed: The seed of the sampling.
        questions: Which to ask; by default those that have a label.
        progress: Called with the number of new tokens during sampling.
        answered: Called with the number of questions that are answered, as in `ask`.
        stop: Called between portions of questions; if true, the evaluation ends without a result.
        look: Called with the results of the first portion.

    Returns:
        The evaluation, or `None` if there is no question to ask or `stop` returned true.
    """
    questions = labelled(benchmark) if questions is None else questions
    if not questions or stop():
        return None
    results: list[QuestionResult] = []
    for portion in ask(
        sampler,
        benchmark,
        questions,
        k=k,
        params=params,
        seed=seed,
        progress=progress,
        answered=answered,
    ):
        if look is not None and not results:
            look(portion)
        results += portion
        if answered is not None:
            answered(len(results))
        if len(results) < len(questions) and stop():
            return None
    return Evaluation(tuple(results))


def look_at_first(name: str, benchmark: Benchmark, params: SamplingParams) -> Look:
    """Returns what warns where none of the first completions ended or gave an answer.

    It also warns of labels that few answers will equal.

    Args:
        name: The name of the model.
        benchmark: The benchmark that is asked.
        params: The parameters of sampling.
    """

    def look(results: Sequence[QuestionResult]) -> None:
        warn_of_text_labels(benchmark)
        check_first_completions(
            name,
            [each for result in results for each in result.finished],
            [each is not None for result in results for each in result.answers],
            max_tokens=params.max_tokens,
            instruction=benchmark.instruction,
        )

    return look


def labelled(benchmark: Benchmark) -> list[Question]:
    """Returns the questions that have a label, in the order of the benchmark."""
    return [each for each in benchmark.questions if benchmark.labels.reveal(each.id) is not None]


def measurable(benchmark: Benchmark) -> list[Question]:
    """Returns the questions to evaluate: those that have a label, or all if none has one."""
    return labelled(benchmark) or list(benchmark.questions)


def spread(questions: Sequence[Question], limit: int | None) -> Sequence[Question]:
    """Returns at most `limit` questions, spread evenly over all; `None` is no limit.

    >>> [each.id for each in spread([Question(id, "?") for id in "abcdef"], 3)]
    ['a', 'c', 'e']
    """
    count = len(questions)
    if limit is None or limit >= count:
        return questions
    return [questions[i * count // limit] for i in range(limit)]
