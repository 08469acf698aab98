"""Chat templates that open a thought: the policy sees it, and no guess inside one votes."""

import copy

import gymnasium as gym
import pytest

from ttrl_agents.policy.policy import Policy
from ttrl_agents.samplers import SamplingParams, TransformersSampler
from ttrl_agents.samplers.box_stop import BoxWatch
from ttrl_env.answers import extract_answer
from ttrl_env.completion import Completion


@pytest.fixture
def thinking_policy(random_policy):
    tokenizer = copy.deepcopy(random_policy.tokenizer)
    tokenizer.chat_template = tokenizer.chat_template.replace(
        "{% if add_generation_prompt %}<|assistant|>",
        "{% if add_generation_prompt %}<|assistant|><think>\n",
    )
    return Policy(random_policy.model, tokenizer, "thinking")


def test_the_policy_knows_how_its_prompts_end(random_policy, thinking_policy):
    question = "Think after <think> of 3 plus 4."
    for policy, opens in ((random_policy, False), (thinking_policy, True)):
        (ids,) = policy.encode_prompts([question])
        assert policy.opens_thinking(ids) == opens


@pytest.mark.parametrize("stop_at_box", [False, True])
def test_what_is_sampled_inside_a_thought_has_no_vote(random_policy, thinking_policy, stop_at_box):
    params = SamplingParams(6, stop_at_box=stop_at_box)
    for policy, opens in ((random_policy, False), (thinking_policy, True)):
        envs = gym.make_vec("TTRL-Arithmetic-v0", num_envs=4, group_size=4)
        prompts, _ = envs.reset(seed=0)
        drawn = TransformersSampler(policy).sample(prompts, params, seed=0)
        assert [each.thinking for each in drawn] == [opens] * 4
        guesses = [Completion(r"\boxed{7}", thinking=each.thinking) for each in drawn]
        _, rewards, *_ = envs.step(guesses)
        assert rewards.tolist() == [0.0 if opens else 1.0] * 4


def test_a_box_inside_a_thought_does_not_stop_a_completion():
    watch = BoxWatch(thinking=True)
    assert not watch.closes(r"maybe \boxed{7}")
    assert watch.closes(r"</think>\boxed{8}")


def test_marks_that_are_special_tokens_stay_in_the_text(random_policy):
    tokenizer = copy.deepcopy(random_policy.tokenizer)
    tokenizer.add_special_tokens({"extra_special_tokens": ["[THINK]", "[/THINK]"]})
    policy = Policy(random_policy.model, tokenizer, "marked")
    ids = tokenizer(r"[THINK]7[/THINK]\boxed{8}<|end|>", add_special_tokens=False)["input_ids"]
    (text,) = policy.decode([ids])
    assert text == r"[THINK]7[/THINK]\boxed{8}"
    assert extract_answer(text) == "8"
