"""The tiny reasoner: how it is taught, that it is reproduced, and that it is what was promised."""

import re

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from ttrl_agents.evaluate import evaluate
from ttrl_agents.policy.policy import load_policy
from ttrl_agents.samplers import SamplingParams, TransformersSampler
from ttrl_agents.tiny import checkpoint_path
from ttrl_agents.tiny.build import BuildConfig, build
from ttrl_agents.tiny.solutions import near_miss, write_solution
from ttrl_benchmarks.arithmetic import draw_problem, load, solve
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


def test_it_is_reproduced_bit_for_bit(tmp_path):
    config = BuildConfig(steps=3)
    for name in ("a", "b"):
        build(config, tmp_path / name, threads=2)
    for file in ("model.safetensors", "tokenizer.json", "chat_template.jinja"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_the_checkpoint_is_small_and_loads_like_any_other():
    folder = checkpoint_path()
    assert sum(file.stat().st_size for file in folder.iterdir()) <= 8 * 2**20
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


@pytest.mark.parametrize("split", ["train", "held_out"])
def test_it_is_imperfect_and_its_majority_is_much_better(split):
    """Between 0.35 and 0.65 right, the majority well above."""
    sampler = TransformersSampler(load_policy("tiny"))
    result = evaluate(sampler, load(split, 100), k=16, params=SamplingParams(96), seed=0)
    metrics = result.metrics
    assert 0.35 <= metrics["mean@16"].mean <= 0.65
    assert metrics["maj@16"].mean >= metrics["mean@16"].mean + 0.2
    assert result.finished > 0.99
