"""The look at the completions of step 1, before anything is learned from them."""

import warnings
from types import SimpleNamespace

import pytest

from ttrl_agents.callbacks.first_completions import FirstCompletions
from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.errors import PolicyWarning
from ttrl_env.completion import Completion

CUT = SimpleNamespace(completions=[Completion("so", finished=False)] * 4)
NO_ANSWER = {"answer": [None] * 4}


def started(**options):
    watcher = FirstCompletions()
    watcher.on_start(
        SimpleNamespace(
            config=TrainConfig(**options),
            policy=SimpleNamespace(name="m"),
            benchmark=SimpleNamespace(instruction=""),
        )
    )
    return watcher


def test_a_first_step_that_says_nothing_is_warned_of():
    with pytest.warns(PolicyWarning) as caught:
        started(evaluate=False, max_tokens=7).on_rollout(1, CUT, NO_ANSWER)
    ended, answered = (str(each.message) for each in caught)
    assert "None of the first 4 completions of model 'm' ended within --max-tokens 7" in ended
    assert "No answer was found in any of the first 4" in answered
    assert "nothing is appended" in answered


@pytest.mark.parametrize(
    ("options", "step"),
    [({"evaluate": False}, 2), ({"evaluate": True}, 1)],
    ids=["a later step", "measured before"],
)
def test_what_has_been_looked_at_is_not_looked_at_again(options, step):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        started(**options).on_rollout(step, CUT, NO_ANSWER)
