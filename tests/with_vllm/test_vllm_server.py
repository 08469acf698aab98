"""A vLLM server that somebody else runs: a real one, on loopback."""

import pytest

from ttrl_agents.errors import AgentError
from ttrl_agents.samplers import SamplingParams, TransformersSampler
from ttrl_agents.samplers.box_stop import find_box_end
from ttrl_agents.samplers.vllm.server import VLLMServerSampler


def test_it_samples_as_the_model_itself_would(server, policy, questions):
    sampler = VLLMServerSampler(server, "tiny")
    greedy = SamplingParams(64, temperature=0.0)
    counted = []
    prompts = [*questions, questions[0]]  # equal ones too
    completions = sampler.sample(prompts, greedy, seed=0, progress=counted.append)
    assert completions == TransformersSampler(policy).sample(prompts, greedy, seed=0)
    assert sum(counted) == sum(len(each.token_ids) for each in completions)
    assert all(each.finished for each in completions)
    assert all(len(each.log_probs) == len(each.token_ids) for each in completions)
    sampler.close()


def test_votes_differ_and_a_seed_repeats_them(server, questions):
    sampler = VLLMServerSampler(server)
    assert sampler.model == "tiny"
    prompts = [questions[0]] * 8 + [questions[1]] * 8
    votes = sampler.sample(prompts, SamplingParams(64), seed=4)
    assert len(set(votes[:8])) > 1
    assert sampler.sample(prompts, SamplingParams(64), seed=4) == votes
    short = sampler.sample(questions, SamplingParams(3), seed=4)
    assert not any(each.finished for each in short)


def test_a_closed_box_ends_a_completion(server, policy, questions):
    greedy = SamplingParams(64, 0.0, stop_at_box=True)
    ours = TransformersSampler(policy).sample(questions, greedy, seed=0)
    theirs = VLLMServerSampler(server).sample(questions, greedy, seed=0)
    assert theirs == ours
    assert sum(find_box_end(each) is not None for each in theirs) > 4
    for one, other in zip(theirs, ours, strict=True):
        assert one.token_ids.tolist() == other.token_ids.tolist()
        assert one.log_probs == pytest.approx(other.log_probs, abs=1e-4)
        assert one.finished == other.finished


def test_what_the_server_cannot_do_is_said_in_a_sentence(server, questions):
    with pytest.raises(AgentError, match=r"no model 'large'.*serves: tiny"):
        VLLMServerSampler(server, "large")
    with pytest.raises(AgentError, match="refused"):
        VLLMServerSampler(server).sample(questions, SamplingParams(5000), seed=0)
    with pytest.raises(AgentError, match="cannot train"):
        VLLMServerSampler(server).sync()
