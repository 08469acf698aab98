"""Asking and grading: scores of completions that are known, and draws that depend on nothing."""

import pytest

from ttrl_agents.evaluate import Evaluation, ask, evaluate, pass_at_k
from ttrl_agents.evaluate.results import grade_question
from ttrl_agents.samplers import SamplingParams, TransformersSampler
from ttrl_agents.samplers.base import request_seeds
from ttrl_benchmarks import Benchmark, Question, SealedLabels, load_benchmark
from ttrl_env.completion import Completion
from ttrl_env.consensus import Majority, hold_vote

BENCHMARK = Benchmark(
    name="three",
    questions=tuple(Question(name, f"{name}?") for name in ("a", "b", "c", "d")),
    labels=SealedLabels({"a": "1", "b": "2", "c": "3"}),
    answer_format="integer",
)
VOTES = {"a": "1 1 1 5", "b": "7 7 2 8", "c": "4 5 - -", "d": "8 8 8 8"}


class Scripted:
    """Answers each question with its scripted votes, in order."""

    def sample(self, prompts, params, *, seed, progress=None):
        left = {name: iter(votes.split()) for name, votes in VOTES.items()}
        answers = [next(left[prompt.rstrip("?")]) for prompt in prompts]
        return [
            Completion("?" if a == "-" else f"\\boxed{{{a}}}", finished=a != "-") for a in answers
        ]


def test_scores_by_hand():
    result = evaluate(Scripted(), BENCHMARK, k=4, params=SamplingParams(9), seed=0)
    assert result.correct.sum(axis=1).tolist() == [3, 1, 0]
    assert result.majority_correct.tolist() == [True, False, False]
    means = {name: interval.mean for name, interval in result.metrics.items()}
    assert means == pytest.approx({"mean@4": 4 / 12, "maj@4": 1 / 3, "pass@4": 2 / 3})
    assert result.finished == pytest.approx(10 / 12)
    assert result.absent == pytest.approx(2 / 12)
    assert result.majority_ratio == pytest.approx((3 / 4 + 2 / 4 + 1 / 4) / 3)
    assert result.to_dict()["questions"] == 3
    at = {name: each.mean for name, each in result.pass_at.items()}
    expected = {k: (pass_at_k(4, 3, k) + pass_at_k(4, 1, k)) / 3 for k in (1, 2, 4)}
    assert at == pytest.approx({f"pass@{k}": each for k, each in expected.items()})


def test_every_question_of_a_mixed_benchmark_is_asked_and_only_the_labelled_are_graded():
    (results,) = ask(
        Scripted(), BENCHMARK, BENCHMARK.questions, k=4, params=SamplingParams(9), seed=0
    )
    assert [result.correct is None for result in results] == [False, False, False, True]
    last = results[-1]
    assert (last.consensus, last.majority_ratio, last.majority_correct) == ("8", 1.0, None)
    evaluation = Evaluation(tuple(results))
    assert len(evaluation.graded) == 3
    assert evaluation.correct.shape == (3, 4)


def test_the_consensus_is_the_majority_vote_of_the_reward():
    for votes in ("1 2 2 1", "2 1", "- - 3", "- -", "5"):
        answers = votes.split()
        completions = [Completion("?" if a == "-" else f"\\boxed{{{a}}}") for a in answers]
        result = grade_question(completions, BENCHMARK.questions[0], BENCHMARK)
        ballot = hold_vote(completions, BENCHMARK.questions[0], BENCHMARK)
        assert result.consensus == ballot.answer_of(Majority()(ballot).pseudo_label)
        assert result.majority_ratio == ballot.majority_ratio


def test_without_labels_there_is_nothing_to_measure():
    params = SamplingParams(9)
    assert evaluate(Scripted(), BENCHMARK.unlabeled(), k=4, params=params, seed=0) is None
    assert evaluate(Scripted(), BENCHMARK, k=4, params=params, seed=0, stop=lambda: True) is None


def texts(sampler, questions, k, portion, seed=0):
    portions = ask(
        sampler,
        ARITHMETIC,
        questions,
        k=k,
        params=SamplingParams(24),
        seed=seed,
        portion=portion,
    )
    return {result.question_id: result.texts for results in portions for result in results}


ARITHMETIC = load_benchmark("arithmetic", size=5)


def test_draws_depend_on_the_seed_and_the_question_alone(random_policy):
    # The random model's probabilities lie far enough apart for rounding not to matter here.
    sampler, questions = TransformersSampler(random_policy), ARITHMETIC.questions
    whole = texts(sampler, questions, k=4, portion=5)
    assert texts(sampler, questions, k=4, portion=2) == whole
    reversed_part = texts(sampler, questions[:1:-1], k=4, portion=3)
    assert reversed_part == {each.id: whole[each.id] for each in questions[2:]}
    fewer = texts(sampler, questions, k=2, portion=5)
    assert fewer == {name: each[:2] for name, each in whole.items()}
    assert texts(sampler, questions, k=4, portion=5, seed=1) != whole
    assert len({each for group in whole.values() for each in group}) > 15


def test_seeds_are_one_or_as_many_as_completions(random_policy):
    sampler, params = TransformersSampler(random_policy), SamplingParams(4)
    with pytest.raises(ValueError, match="2 seeds for 3 completions"):
        sampler.sample(["a"] * 3, params, seed=[1, 2])


class Recorder(Scripted):
    """An engine that takes one seed for all completions of a prompt."""

    def __init__(self):
        self.seeds = {}

    def sample(self, prompts, params, *, seed, progress=None):
        rows = {}
        for i, prompt in enumerate(prompts):
            rows.setdefault(prompt, []).append(i)
        self.seeds |= dict(zip(rows, request_seeds(seed, rows.values()), strict=True))
        return super().sample(prompts, params, seed=seed, progress=progress)


def test_engines_with_a_seed_for_each_prompt_depend_on_the_question_alone_too():
    whole, part = Recorder(), Recorder()
    options = {"k": 4, "params": SamplingParams(9), "seed": 0}
    list(ask(whole, BENCHMARK, BENCHMARK.questions, **options))
    list(ask(part, BENCHMARK, BENCHMARK.questions[2:], portion=1, **options))
    assert part.seeds == {name: whole.seeds[name] for name in ("c?", "d?")}
    assert len(set(whole.seeds.values())) == 4
    assert max(whole.seeds.values()) < 2**62  # seed + i stays in an engine's 64 bits


class Reporter(Scripted):
    """A sampler that reports its completions backwards, one by one."""

    def sample(self, prompts, params, *, seed, progress=None):
        for place in reversed(range(len(prompts))):
            progress(1)
            progress.finished([place])
            progress.finished([place])  # again, as an engine that was restarted does
        return super().sample(prompts, params, seed=seed)


def test_a_question_counts_as_answered_with_the_last_of_its_completions():
    tokens, answered = [], []
    options = {"k": 4, "params": SamplingParams(9), "seed": 0, "portion": 3}
    asked = ask(
        Reporter(),
        BENCHMARK,
        BENCHMARK.questions,
        **options,
        progress=tokens.append,
        answered=lambda done: answered.append((len(tokens), done)),
    )
    assert len(list(asked)) == 2
    assert answered == [(4, 1), (8, 2), (12, 3), (16, 4)]


def test_without_reports_of_the_sampler_questions_are_counted_by_portions():
    answered = []
    options = {"k": 4, "params": SamplingParams(9), "seed": 0}
    evaluate(Scripted(), BENCHMARK, **options, answered=answered.append)
    assert answered == [3]  # those with a label
