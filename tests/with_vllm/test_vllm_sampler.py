"""vLLM as the sampler: what it draws, from which weights, and what happens when it dies."""

import os
import signal
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from ttrl_agents.errors import AgentError
from ttrl_agents.instruments.sampler_agreement import measure_agreement
from ttrl_agents.policy.loading import load_policy
from ttrl_agents.policy.log_probs import LogProbs
from ttrl_agents.samplers import SamplingParams, TransformersSampler
from ttrl_agents.samplers.box_stop import find_box_end
from ttrl_agents.samplers.vllm import weight_sync
from ttrl_agents.samplers.vllm.process import EngineError
from ttrl_agents.samplers.vllm.sampler import EngineOptions, VLLMSampler
from ttrl_agents.samplers.vllm.weight_stream import send_weights
from ttrl_env.answers import extract_answer

PARAMS = SamplingParams(64)


class Watch:
    """Counts tokens, and notes which completions are finished."""

    def __init__(self):
        self.tokens, self.places = 0, []

    def __call__(self, tokens):
        self.tokens += tokens

    def finished(self, places):
        self.places += places


@pytest.fixture(scope="module")
def sampler():
    options = EngineOptions(max_length=512, kv_gib=1 / 4)
    with VLLMSampler(load_policy("tiny", device="cpu"), options) as made:
        yield made


def test_completions_carry_all_that_a_learner_needs(sampler, questions):
    prompts = [questions[0]] * 3 + [questions[1]] * 2 + [questions[0]]
    watch = Watch()
    completions = sampler.sample(prompts, PARAMS, seed=1, progress=watch)
    assert len(completions) == 6
    assert sorted(watch.places) == list(range(6))
    assert watch.tokens == sum(len(each.token_ids) for each in completions)
    for each in completions:
        assert each.token_ids.dtype == np.int64
        assert each.token_ids.shape == each.log_probs.shape
        assert (each.log_probs <= 0).all()
        assert each.finished == (each.token_ids[-1] in sampler.policy.end_token_ids)
    assert len(set(completions[:3] + completions[5:])) > 1, "votes are drawn independently"
    found = measure_agreement(LogProbs(sampler.policy), prompts, completions, 1.0)
    assert found.largest < 1e-4


def test_a_seed_names_a_draw(sampler, questions):
    prompts = [each for each in questions for _ in range(4)]
    first = sampler.sample(prompts, PARAMS, seed=1)
    assert sampler.sample(prompts, PARAMS, seed=1) == first
    assert sampler.sample(prompts, PARAMS, seed=2) != first


def test_log_probs_are_those_of_the_temperature(sampler, questions):
    prompts = questions[:4]
    completions = sampler.sample(prompts, SamplingParams(64, temperature=0.5), seed=3)
    log_probs = LogProbs(sampler.policy)
    assert measure_agreement(log_probs, prompts, completions, 0.5).largest < 1e-4
    assert measure_agreement(log_probs, prompts, completions, 1.0).mean > 1e-2


def test_temperature_zero_takes_the_likeliest_tokens(sampler, questions):
    prompts = [*questions, *questions[:3]]  # equal ones too
    ours = TransformersSampler(sampler.policy).sample(prompts, SamplingParams(64, 0.0), seed=0)
    theirs = sampler.sample(prompts, SamplingParams(64, 0.0), seed=0)
    assert [as_row(each) for each in theirs] == [as_row(each) for each in ours]


def test_a_completion_cut_short_is_marked(sampler, questions):
    completions = sampler.sample(questions, SamplingParams(3), seed=0)
    assert not any(each.finished for each in completions)
    assert all(len(each.token_ids) == 3 for each in completions)


def test_a_closed_box_ends_a_completion(sampler, questions):
    greedy = SamplingParams(64, 0.0, stop_at_box=True)
    ours = TransformersSampler(sampler.policy).sample(questions, greedy, seed=0)
    theirs = sampler.sample(questions, greedy, seed=0)
    assert [as_row(each) for each in theirs] == [as_row(each) for each in ours]

    prompts = [each for each in questions for _ in range(4)]
    whole = sampler.sample(prompts, PARAMS, seed=8)
    cut = sampler.sample(prompts, SamplingParams(64, stop_at_box=True), seed=8)
    closed = [each for each in cut if find_box_end(each) is not None]
    assert len(closed) > 16
    for each in closed:
        assert each.finished
        assert each.token_ids[-1] not in sampler.policy.end_token_ids
        assert find_box_end(sampler.policy.decode([each.token_ids[:-1]])[0]) is None
    assert all(each.startswith(str(part)) for each, part in zip(whole, cut, strict=True))
    assert measure_agreement(LogProbs(sampler.policy), prompts, cut, 1.0).largest < 1e-4
    # Nothing of the completions that were ended is left behind.
    assert sampler.sample(prompts, PARAMS, seed=8) == whole
    # A box that closes with the last token that is allowed.
    limit = len(closed[0].token_ids)
    found = sampler.sample(prompts, SamplingParams(limit, stop_at_box=True), seed=8)
    (place,) = [i for i, each in enumerate(cut) if each is closed[0]]
    assert as_row(found[place]) == as_row(closed[0])


def as_row(completion):
    return str(completion), completion.token_ids.tolist(), completion.finished


def test_what_does_not_fit_is_refused_with_a_sentence(sampler, questions):
    with pytest.raises(AgentError, match="exceed the 512 that the engine was started for"):
        sampler.sample(questions, SamplingParams(512), seed=0)
    assert sampler.restarts == 0


def test_both_samplers_draw_from_one_distribution(sampler, questions):
    """Two samples of answers to each question, compared by chi-square with permutations."""
    votes = 192
    prompts = [each for each in questions[:4] for _ in range(votes)]
    theirs = sampler.sample(prompts, PARAMS, seed=11)
    ours = TransformersSampler(sampler.policy).sample(prompts, PARAMS, seed=12)
    rng = np.random.default_rng(0)
    for k in range(4):
        rows = slice(k * votes, (k + 1) * votes)
        answers = [[extract_answer(each) for each in side[rows]] for side in (theirs, ours)]
        observed = _chi_square(*answers)
        pooled = np.array(answers[0] + answers[1], dtype=object)
        shuffled = []
        for _ in range(400):
            rng.shuffle(pooled)
            shuffled.append(_chi_square(list(pooled[:votes]), list(pooled[votes:])))
        assert observed <= np.quantile(shuffled, 0.999), (k, observed)
    # The test can tell: another temperature does not pass for the same distribution.
    hot = TransformersSampler(sampler.policy).sample(prompts, SamplingParams(64, 1.6), seed=12)
    apart = [_chi_square(*([extract_answer(e) for e in side[:votes]] for side in (theirs, hot)))]
    assert max(apart) > np.quantile(shuffled, 0.999)


def _chi_square(one, other):
    first, second = Counter(one), Counter(other)
    return sum(
        (first[each] - second[each]) ** 2 / (first[each] + second[each])
        for each in first.keys() | second.keys()
    )


def test_twenty_updates_all_arrive(sampler, questions):
    policy = sampler.policy
    log_probs = LogProbs(policy)
    generator = torch.Generator().manual_seed(0)
    saved = {name: tensor.clone() for name, tensor in policy.model.state_dict().items()}
    for update in range(20):
        with torch.no_grad():
            for parameter in policy.model.parameters():
                noise = torch.randn(parameter.shape, generator=generator)
                parameter.add_(0.02 * parameter.std() * noise)
        sampler.sync()
        assert sampler.proof["proved"] >= 8
        completions = sampler.sample(questions, SamplingParams(16), seed=update)
        assert measure_agreement(log_probs, questions, completions, 1.0).largest < 1e-4
    policy.model.load_state_dict(saved)
    # Not synchronised: the policy has moved back and the engine has not.
    completions = sampler.sample(questions, SamplingParams(16), seed=0)
    assert measure_agreement(log_probs, questions, completions, 1.0).mean > 1e-3
    sampler.sync()
    completions = sampler.sample(questions, SamplingParams(16), seed=0)
    assert measure_agreement(log_probs, questions, completions, 1.0).largest < 1e-4


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("model.norm.weight", "is stale: it is not what was sent"),
        ("model.layers.0.self_attn.q_proj.weight", "arrived damaged"),  # packed on CPU
    ],
)
def test_weights_that_do_not_add_up_are_refused(sampler, name, message):
    buffer = sampler._weights._buffer.tensor

    def load(flipped):
        messages = send_weights(sampler.policy.weights(), torch.float32, buffer)

        def more():
            message = next(messages)
            if name in message.get("checksums", {}):
                message["checksums"][name] ^= flipped
            return message

        return sampler.engine.ask({"command": "load"}, on_more=more)

    with pytest.raises(EngineError, match=f"{name} {message}"):
        load(1)
    load(0)
    assert sampler.restarts == 0


def test_an_engine_that_fails_is_replaced_once_with_the_current_weights(
    policy, questions, monkeypatch
):
    """Here it hangs, then it is killed; training has one that is killed first."""
    # It sleeps between draws, as on a GPU, though on CPU no memory is freed by it. The buffer is
    # smaller than a matrix, so that weights come in many parts.
    monkeypatch.setattr(weight_sync, "_BUFFER_BYTES", 2**14)
    with VLLMSampler(policy, EngineOptions(max_length=256, kv_gib=1 / 16, sleep=True)) as sampler:
        assert sampler.weight_sync == "shared memory"
        sampler.rest()
        sampler.rest()
        with torch.no_grad():
            policy.model.model.norm.weight.mul_(1.1)
        sampler.sync()
        before = sampler.sample(questions, PARAMS, seed=5)
        sampler.rest()
        assert sampler.sample(questions, PARAMS, seed=5) == before  # woken, with its weights
        sampler.engine.timeout = 3.0
        os.kill(sampler.engine.pid, signal.SIGSTOP)
        assert sampler.sample(questions, PARAMS, seed=5) == before
        assert sampler.metrics() == {"engine_restarts": 1.0}
        os.kill(sampler.engine.pid, signal.SIGKILL)
        with pytest.raises(EngineError, match=r"killed by signal 9.*started anew once already"):
            sampler.sample(questions, PARAMS, seed=5)


def test_completions_wait_for_one_another_where_memory_is_short(policy, questions):
    policy.model.config.architectures = None  # as with a model from a GGUF file
    # 1 MiB holds a few sequences at a time.
    with VLLMSampler(policy, EngineOptions(max_length=256, kv_gib=2**-10)) as sampler:
        prompts = [each for each in questions for _ in range(8)]
        completions = sampler.sample(prompts, SamplingParams(128), seed=0)
        assert sampler.restarts == 0
        assert sum(each.finished for each in completions) > 60
        assert measure_agreement(LogProbs(policy), prompts, completions, 1.0).largest < 1e-4
        # A run that is killed leaves nothing behind; to its engine that looks like this.
        folder = Path(sampler._folder.name)
        assert (folder / "engine.log").is_file()
        sampler.engine._channel.connection.close()
        assert sampler.engine._process.wait(timeout=60) == -signal.SIGKILL
        assert not folder.exists()


def test_too_little_memory_for_keys_and_values_says_so(policy):
    # 4 KiB do not hold one sequence of 512 tokens.
    with pytest.raises(EngineError, match=r"cache blocks.*--engine-kv-gib"):
        VLLMSampler(policy, EngineOptions(max_length=512, kv_gib=2**-18))
