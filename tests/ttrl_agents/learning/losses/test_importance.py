"""What corrects for another sampler."""

import pytest
import torch

from ttrl_agents.learning.losses import importance_weights

MASK = torch.tensor([[True, True], [True, False]])
OURS = torch.tensor([[3.0, 0.2], [1.2, 99.0]]).log()


def weights(**options):
    return importance_weights(OURS, torch.zeros(2, 2), MASK, **options)[MASK].tolist()


@pytest.mark.parametrize(
    ("correction", "level", "expected"),
    [
        ("none", "token", [1, 1, 1]),
        ("truncate", "token", [2, 0.2, 1.2]),
        ("mask", "token", [0, 0, 1]),
        ("truncate", "sequence", [0.6, 0.6, 1.2]),
        ("mask", "sequence", [1, 1, 1]),
        ("truncate", "geometric", [0.6**0.5, 0.6**0.5, 1.2]),
        ("mask", "geometric", [1, 1, 1]),
    ],
)
def test_each_correction_at_each_level(correction, level, expected):
    assert weights(correction=correction, level=level, cap=2.0) == pytest.approx(expected)


def test_a_whole_completion_is_left_out_at_once():
    assert weights(correction="mask", level="sequence", cap=1.5) == [0, 0, 1]


def test_weights_have_no_gradient():
    ours = OURS.clone().requires_grad_()
    assert not importance_weights(ours, torch.zeros(2, 2), MASK).requires_grad


def test_a_sampler_that_agrees_changes_nothing():
    found = importance_weights(OURS, OURS, MASK, correction="truncate", level="sequence")
    assert torch.equal(found, torch.ones(2, 2))


@pytest.mark.parametrize("options", [{"correction": "drop"}, {"level": "word"}])
def test_unknown_words_are_refused(options):
    with pytest.raises(ValueError, match="unknown"):
        weights(**options)
