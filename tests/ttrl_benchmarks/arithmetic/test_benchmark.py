"""The arithmetic benchmark: exact labels, splits that share nothing, the same draw every time."""

import hashlib
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ttrl_benchmarks import UserError, load_benchmark
from ttrl_benchmarks.arithmetic import (
    LEVELS,
    SPLITS,
    TEMPLATES,
    Step,
    draw_problem,
    load,
    rephrase,
    solve,
    split_of,
)


def test_every_split_is_the_same_each_time_and_differs_by_seed():
    assert load("train", 50, 3) == load("train", 50, 3)
    assert load("train", 50, 3).questions != load("train", 50, 4).questions


def test_no_two_splits_share_a_question_whatever_the_seeds():
    texts = {
        split: {q.text for seed in range(3) for q in load(split, 500, seed).questions}
        for split in SPLITS
    }
    assert not texts["train"] & texts["held_out"]
    assert not texts["train"] & texts["practice"]
    assert not texts["held_out"] & texts["practice"]


@given(st.integers(0, 2**32 - 1), st.sampled_from(LEVELS))
@settings(max_examples=200)
def test_a_problem_has_whole_results_in_reach_and_an_exact_answer(seed, level):
    problem = draw_problem(np.random.default_rng(seed), level)
    results = solve(problem.steps)
    assert all(isinstance(result, int) and 1 <= result <= 999 for result in results)
    assert problem.answer == results[-1]
    assert problem.level == level
    assert split_of(problem) in SPLITS
    assert "{" not in problem.text
    assert "}" not in problem.text


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda t: f"L{t.level}-{t.text[:30]}")
def test_a_template_names_every_number_that_its_steps_use(template):
    used = set(re.findall(r"(?<![#\w])[a-z](?!\w)", template.steps))
    assert used == set(template.numbers)
    assert all("{" + name + "}" in template.text for name in used)
    # Every step is used by a later one, or is the last.
    steps = template.draw(np.random.default_rng(0)).steps
    references = {s.left for s in steps if s.left_is_step} | {
        s.right for s in steps if s.right_is_step
    }
    assert references == set(range(len(steps) - 1))
    assert len(steps) in {1: (1,), 2: (1, 2), 3: (2,), 4: (3,), 5: (4, 5)}[template.level]


def test_a_split_depends_on_the_numbers_and_not_on_the_names():
    template = TEMPLATES[3]
    rng = np.random.default_rng(0)
    by_signature: dict[str, set[str]] = {}
    texts: dict[str, set[str]] = {}
    for _ in range(5_000):
        problem = template.draw(rng)
        by_signature.setdefault(problem.signature, set()).add(split_of(problem))
        texts.setdefault(problem.signature, set()).add(problem.text)
    assert max(map(len, texts.values())) > 1
    assert all(len(splits) == 1 for splits in by_signature.values())


@pytest.mark.parametrize("size", [5, 12, 100])
def test_levels_are_spread_evenly_and_no_question_comes_twice(size):
    benchmark = load(size=size)
    counts = [sum(q.level == level for q in benchmark.questions) for level in LEVELS]
    assert sum(counts) == size
    assert max(counts) - min(counts) <= 1
    assert len({q.text for q in benchmark.questions}) == size
    assert len(benchmark.labels) == size


@pytest.mark.parametrize("split", SPLITS)
def test_a_level_asks_the_same_questions_alone_and_among_others(split):
    everything = load(split, 100, seed=3)
    three, low = load(split, 100, 3, level=3), load(split, 40, 3, levels=[2, 1])
    assert {question.level for question in three.questions} == {3}
    assert len(three) == len({question.text for question in three.questions}) == 100
    assert three.questions[:20] == everything.filter(level=3).questions
    assert low.questions == everything.questions[:40]
    assert [low.labels.reveal(q.id) for q in low.questions] == [
        everything.labels.reveal(q.id) for q in low.questions
    ]
    assert load(split, 15, levels=[3]) == load(split, 15, level=3)


def test_a_benchmark_of_some_levels_is_named_after_them():
    assert load().name == load(levels=[5, 4, 3, 2, 1]).name == "arithmetic"
    assert load(level=3).name == "arithmetic-l3"
    assert load("held_out", levels=[1, 2]).name == "arithmetic-held_out-l12"


def test_the_questions_without_levels_are_the_ones_that_they_always_were():
    texts = "".join(f"{q.id} {q.text}\n" for split in SPLITS for q in load(split, 100).questions)
    assert hashlib.sha256(texts.encode()).hexdigest() == (
        "2abb0262c2f8836f2803342c4bf3111d3e3d3bd1e60d03c51ebf8736bd74fa4e"
    )


def test_steps_read_earlier_results_and_division_is_exact():
    assert solve([Step(7, "*", 6), Step(0, "-", 2, left_is_step=True)]) == [42, 40]
    with pytest.raises(ArithmeticError, match="7 is not a multiple of 2"):
        solve([Step(7, "/", 2)])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "test"}, "held_out"),
        ({"size": 4}, "5 to 5000"),
        ({"size": 5_001}, "5 to 5000"),
        ({"level": 6}, "levels 1 to 5, not 6"),
        ({"levels": [1, 0]}, "levels 1 to 5, not 0"),
        ({"levels": [2, 2]}, "each once"),
        ({"levels": []}, "one or more of the levels 1 to 5"),
        ({"level": 1, "levels": [2]}, "level=1 and levels=.2. are both given"),
        ({"level": 2, "size": 1_001}, "1 to 1000 questions of level 2, not 1001"),
        ({"levels": [1, 2], "size": 1}, "2 to 2000 questions of levels 1 and 2, not 1"),
    ],
)
def test_wrong_options_end_in_a_sentence(options, message):
    with pytest.raises(UserError, match=message):
        load(**options)


def test_it_is_in_the_registry():
    assert load_benchmark("arithmetic", split="held_out", size=10) == load("held_out", 10)


def test_another_wording_has_the_same_answer_and_comes_from_nothing_but_the_text():
    for split in SPLITS:
        for question in load(split, 250).questions:
            other = rephrase(question.text)
            assert other != question.text
            assert rephrase(question.text) == other
            numbers = re.findall(r"\d+", question.text)
            assert sorted(re.findall(r"\d+", other)) == sorted(numbers)


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("What is 7 times 8?", "What is 8 times 7?"),
        ("What is 7 times 8 minus 3 times 4?", "What is 8 times 7 minus 4 times 3?"),
        ("What is 9 minus 3 plus 4?", "What is 9 minus 3 plus 4 ?"),  # 9 - 4 + 3 is another sum
        ("What is 9 minus 3 times 4?", "What is 9 minus 4 times 3?"),
        ("What is 8 times 2 plus 3?", "What is 2 times 8 plus 3?"),
        ("Is 3 and 4 much?", "Is 3 and 4 much ?"),
    ],
)
def test_only_what_commutes_changes_places(text, other):
    assert rephrase(text) == other


def test_pronouns_stay_right():
    for question in load("practice", 500).questions:
        names = {"Mia": "she", "Ben": "he", "Zoe": "she", "Omar": "he"} | {
            "Lena": "she",
            "Raj": "he",
            "Ana": "she",
            "Tom": "he",
        }
        before = [names[w] for w in re.findall(r"[A-Za-z]+", question.text) if w in names]
        after = [names[w] for w in re.findall(r"[A-Za-z]+", rephrase(question.text)) if w in names]
        assert before == after
