"""The tiny reasoners: how they are taught, that they are reproduced, and what they promise."""

import json
import re
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from ttrl_agents.evaluate import evaluate
from ttrl_agents.policy.loading import load_policy
from ttrl_agents.samplers import SamplingParams, TransformersSampler
from ttrl_agents.tiny import SHIPPED, checkpoint_path
from ttrl_agents.tiny.build import VARIANTS, build, describe, practice
from ttrl_agents.tiny.solutions import near_miss, write_solution
from ttrl_benchmarks.arithmetic import draw_problem, load, solve, split_of
from ttrl_env.answers import extract_answer


def problems(count: int):
    rng = np.random.default_rng(0)
    return [draw_problem(rng, 1 + i % 5) for i in range(count)]


def test_a_solution_without_errors_boxes_the_answer_and_shows_each_result():
    for problem in problems(200):
        text = write_solution(problem, np.random.default_rng(0), error_rate=0.0)
        assert extract_answer(text, "integer") == str(problem.answer)
        shown = [int(result) for result in re.findall(r"= (\d+)\n", text)]
        assert shown == solve(problem.steps)


def test_steps_are_wrong_in_the_known_share_and_carry_on():
    rng = np.random.default_rng(1)
    wrong = total = 0
    for problem in problems(4_000):
        text = write_solution(problem, rng, error_rate=0.25)
        steps = re.findall(r"(-?\d+) ([-+×÷]) (-?\d+) = (-?\d+)\n", text)
        assert len(steps) == len(problem.steps)
        for left, sign, right, result in steps:
            a, b = int(left), int(right)
            exact = {"+": a + b, "-": a - b, "×": a * b, "÷": a // b}[sign]
            wrong += max(exact, 1) != int(result) and exact != int(result)
            total += 1
        assert extract_answer(text, "integer") == steps[-1][-1]
    assert wrong / total == pytest.approx(0.25, abs=0.02)


def test_a_near_miss_is_wrong_and_positive():
    rng = np.random.default_rng(0)
    for result in (1, 2, 17, 480):
        misses = {near_miss(result, rng) for _ in range(500)}
        assert result not in misses
        assert min(misses) >= 1
        assert len(misses) > 5


def test_the_known_share_of_solutions_gives_the_right_answer_at_once():
    examples = list(islice(practice(np.random.default_rng(0), 0.5, direct_share=0.6), 2_000))
    direct = [(problem, text) for problem, text in examples if "\n" not in text]
    assert len(direct) / len(examples) == pytest.approx(0.6, abs=0.03)
    assert all(text == f"The answer is \\boxed{{{p.answer}}}." for p, text in direct)
    assert all(split_of(problem) == "practice" for problem, _ in examples)


def test_it_is_reproduced_bit_for_bit(tmp_path):
    config = replace(VARIANTS["tiny"], steps=3)
    for name in ("a", "b"):
        build(config, tmp_path / name, threads=2)
    assert describe(config, tmp_path / "a") == describe(config, tmp_path / "b")


@pytest.mark.parametrize("name", SHIPPED)
def test_the_files_that_ship_are_those_that_their_build_left(name):
    folder = checkpoint_path(name)
    assert json.loads((folder / "build.json").read_text()) == describe(VARIANTS[name], folder)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_checkpoint_is_small_and_loads_like_any_other(name):
    folder = checkpoint_path(name)
    assert sum(file.stat().st_size for file in folder.iterdir()) <= 2 * 2**20
    names = {file.name for file in folder.iterdir()}
    assert {"model.safetensors", "tokenizer.json", "chat_template.jinja", "config.json"} <= names
    model = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = tokenizer.apply_chat_template(
        [{"role": "user", "content": "What is 20 plus 15?\nPut the answer in \\boxed{}."}],
        add_generation_prompt=True,
        return_tensors="pt",
    )["input_ids"]
    out = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=40)
    assert re.search(r"\\boxed\{\d+\}", tokenizer.decode(out[0, ids.shape[1] :]))


def measure(name, k, temperature, top_p=1.0):
    sampler = TransformersSampler(load_policy(name, device="cpu"))
    params = SamplingParams(96, temperature, top_p)
    result = evaluate(sampler, load("held_out", 100), k=k, params=params, seed=0)
    assert result.finished > 0.99
    return result


def test_tiny_guesses_and_its_majority_is_right_far_more_often():
    """At the paper's temperature and greedily; both leave something to learn, and to get wrong."""
    sampled, greedy = measure("tiny", 16, 0.6, 0.95), measure("tiny", 1, 0.0)
    assert 0.25 <= sampled.metrics["mean@16"].mean <= 0.5
    assert 0.7 <= sampled.metrics["maj@16"].mean <= 0.97
    assert greedy.metrics["mean@1"].mean <= 0.25
    worked = right = 0  # completions that work the answer out, one step a line
    for result in sampled.results:
        for text, correct in zip(result.texts, result.correct, strict=True):
            worked += "\n" in text
            right += "\n" in text and correct
    assert 0.15 <= worked / (16 * 100) <= 0.6
    assert 0.7 <= right / worked <= 0.97


def test_tiny_noisy_is_right_where_it_takes_the_likeliest_token():
    greedy, drawn = measure("tiny-noisy", 1, 0.0), measure("tiny-noisy", 4, 1.0)
    assert greedy.metrics["mean@1"].mean >= 0.95
    assert 0.3 <= drawn.metrics["mean@4"].mean <= 0.5
