"""The state of an optimizer as tensors, and back."""

import pytest
import torch

from ttrl_agents.errors import AgentError
from ttrl_agents.learning.optimizer_state import optimizer_tensors, restore_optimizer


def model_and_optimizer(width: int = 3):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(2, width), torch.nn.Linear(width, 1))
    return model, torch.optim.AdamW(model.parameters(), lr=0.1)


def step(model, optimizer):
    model(torch.ones(4, 2)).square().sum().backward()
    optimizer.step()
    optimizer.zero_grad()


def test_a_restored_optimizer_steps_as_if_it_had_never_stopped():
    model, optimizer = model_and_optimizer()
    step(model, optimizer)
    saved, weights = optimizer_tensors(optimizer, model.named_parameters()), model.state_dict()
    other, again = model_and_optimizer()
    other.load_state_dict(weights)
    restore_optimizer(
        again, other.named_parameters(), {key: tensor.clone() for key, tensor in saved.items()}
    )
    step(model, optimizer)
    step(other, again)
    for one, two in zip(model.parameters(), other.parameters(), strict=True):
        assert torch.equal(one, two)


def test_before_the_first_step_there_is_nothing_to_keep():
    model, optimizer = model_and_optimizer()
    assert optimizer_tensors(optimizer, model.named_parameters()) == {}
    restore_optimizer(optimizer, model.named_parameters(), {})


def test_the_state_of_another_model_is_refused():
    model, optimizer = model_and_optimizer()
    step(model, optimizer)
    saved = optimizer_tensors(optimizer, model.named_parameters())
    wider, other = model_and_optimizer(width=5)
    with pytest.raises(AgentError, match=r"0.weight has shape \(5, 2\) here and \(3, 2\) there"):
        restore_optimizer(other, wider.named_parameters(), saved)
    same, third = model_and_optimizer()
    with pytest.raises(AgentError, match="this one has no 'head/exp_avg'"):
        restore_optimizer(third, same.named_parameters(), {"head/exp_avg": torch.zeros(1)})
