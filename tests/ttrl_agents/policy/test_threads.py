"""A small model runs on one thread, and leaves the others as it found them."""

from __future__ import annotations

import pytest
import torch

from ttrl_agents.policy import threads
from ttrl_agents.policy.threads import few_threads
from ttrl_agents.samplers import SamplingParams, TransformersSampler


@pytest.fixture
def _two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("_two_threads")
def test_a_small_model_has_one_thread_and_gives_the_others_back(random_policy):
    with few_threads(random_policy):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2
    with pytest.raises(KeyError), few_threads(random_policy):
        raise KeyError
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("_two_threads")
def test_a_larger_model_keeps_its_threads(random_policy, monkeypatch):
    monkeypatch.setattr(threads, "_WORTH_TWO_THREADS", random_policy.num_parameters)
    with few_threads(random_policy):
        assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("_two_threads")
def test_the_sampler_samples_small_models_on_one_thread(random_policy, monkeypatch):
    seen = []
    forward = random_policy.model.forward

    def watched(*args, **kwargs):
        seen.append(torch.get_num_threads())
        return forward(*args, **kwargs)

    monkeypatch.setattr(random_policy.model, "forward", watched)
    TransformersSampler(random_policy).sample(["1 + 1?"], SamplingParams(3), seed=0)
    assert set(seen) == {1}
    assert torch.get_num_threads() == 2
