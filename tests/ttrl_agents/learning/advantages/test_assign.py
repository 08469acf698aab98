"""From the rewards of a rollout to advantages, for every preset."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from ttrl_agents.config.algorithms import ALGORITHMS
from ttrl_agents.errors import AgentError
from ttrl_agents.learning.advantages import ADVANTAGES
from ttrl_agents.learning.advantages.assign import assign_credit, check_advantages
from ttrl_agents.learning.advantages.registry import TokenAdvantage
from ttrl_agents.learning.experience import Experience
from ttrl_agents.learning.losses import Counts, LossInputs, policy_objective
from ttrl_agents.rollout import Rollout
from ttrl_env.completion import Completion
from ttrl_env.consensus import DDRL, EntropyShaped, Guard, HeldVote, Majority

PER_TOKEN = [
    name
    for name, each in ALGORITHMS.items()
    if isinstance(ADVANTAGES[each.advantage], TokenAdvantage)
]
BY_GROUP = [name for name in ALGORITHMS if name not in (*PER_TOKEN, "reinforce")]


def experience_of(tokens, rewards, *, abstained=None, n_train=None, **columns):
    """`tokens`: token ids of each completion; `rewards`: of whole groups, one row a group."""
    rewards = np.array(rewards, dtype=np.float64)
    rows = rewards.size
    rollout = Rollout(
        prompts=["?"] * rows,
        completions=[Completion("", token_ids=ids) for ids in tokens],
        rewards=rewards.ravel(),
        abstained=np.zeros(rows, dtype=bool) if abstained is None else np.array(abstained),
        group_size=rewards.shape[1],
        **{name: np.array(values, dtype=np.float64) for name, values in columns.items()},
    )
    experience = Experience.from_rollout(rollout, [(1,)] * rows, n_train)
    return replace(experience, values=torch.zeros(experience.mask.shape))


def credit(name, *arguments, max_tokens=8, pieces=None, **options):
    algorithm = replace(ALGORITHMS[name], **(pieces or {}))
    return assign_credit(algorithm, experience_of(*arguments, **options), max_tokens).advantages


P, SIZE = 0.3, 4  # the probability of the good arm, and the completions of a group


def by_counts(term):
    """The expectation of `term(k)`, k of the group's completions having drawn the good arm."""
    chances = (math.comb(SIZE, k) * P**k * (1 - P) ** (SIZE - k) for k in range(SIZE + 1))
    return sum(chance * term(k) for k, chance in enumerate(chances))


VARIANCE = P * (1 - P)
SCALED = by_counts(lambda k: math.sqrt(k * (SIZE - k) * (SIZE - 1) / SIZE**3))
# The expected gradient of minus the loss by the good arm's score, in closed form.
EXPECTED = dict.fromkeys(ALGORITHMS, SCALED) | {
    "rloo": VARIANCE,  # unbiased
    "reinforce": VARIANCE * (1 - 1 / SIZE),  # the baseline contains the reward itself
    "dr-grpo": VARIANCE * (1 - 1 / SIZE),
    "opo": VARIANCE * (1 - 1 / SIZE),
    "maxrl": (1 - P)
    * (1 - (1 - P) ** (SIZE - 1)),  # of log p, its series cut off after SIZE - 1 terms
}


@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_expected_gradient_of_a_two_armed_bandit_is_the_one_in_closed_form(name):
    algorithm, total = ALGORITHMS[name], torch.zeros(2, dtype=torch.float64)
    scores = torch.tensor([P, 1 - P], dtype=torch.float64).log()
    for draw in range(2**SIZE):  # every group that there can be, weighted by its probability
        arms = [draw >> i & 1 for i in range(SIZE)]
        experience = experience_of([[arm] for arm in arms], [[1.0 - arm for arm in arms]])
        experience = assign_credit(algorithm, experience, max_tokens=1)
        leaf = scores.clone().requires_grad_()
        log_probs = leaf.log_softmax(0)[torch.tensor(arms)][:, None]
        inputs = LossInputs(experience.mask, experience.advantages.double())
        counts = Counts(SIZE, SIZE, SIZE)
        loss, _, _ = policy_objective(algorithm, log_probs, torch.zeros(SIZE, 1), inputs, counts)
        loss.backward()
        total -= leaf.grad * math.prod((P, 1 - P)[arm] for arm in arms)
    assert total.tolist() == pytest.approx([EXPECTED[name], -EXPECTED[name]], rel=1e-4)


@pytest.mark.parametrize("name", BY_GROUP)
def test_a_constant_group_teaches_nothing_whatever_stands_beside_it(name):
    advantages = credit(name, [[1], [2, 3], [4], [5, 6]], [[1, 1], [1, 0]])
    assert not advantages[:2].any()
    assert (advantages[2:] != 0).any()


@pytest.mark.parametrize("name", [*PER_TOKEN, "reinforce"])
def test_where_the_baseline_is_the_batch_a_constant_batch_teaches_nothing(name):
    assert not credit(name, [[1], [2, 3], [4], [5, 6]], [[1, 1], [1, 1]]).any()
    assert credit(name, [[1], [2, 3], [4], [5, 6]], [[1, 1], [0, 0]]).any()


@pytest.mark.parametrize("name", ALGORITHMS)
def test_groups_that_abstain_change_nothing(name):
    tokens, rewards = [[1], [2, 3], [4, 5, 6], [7]], [[1, 0], [0, 1]]
    alone = credit(name, tokens, rewards)
    assert len(experience_of(tokens, rewards, abstained=[True] * 4)) == 0
    beside = credit(
        name,
        [[8], [9], *tokens],
        [[1, 0], *rewards],
        abstained=[True, True, False, False, False, False],
    )
    assert torch.equal(alone, beside)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_weights_multiply_the_advantages(name):
    tokens, rewards = [[1], [2, 3], [4, 5, 6], [7]], [[1, 0], [0, 1]]
    plain = credit(name, tokens, rewards)
    weighted = credit(name, tokens, rewards, weights=[2.0, 0.0, 1.0, 0.5])
    expected = plain * torch.tensor([2.0, 0.0, 1.0, 0.5])[:, None]
    assert torch.allclose(weighted, expected)
    assert plain.any()


@pytest.mark.parametrize("name", [n for n in BY_GROUP if not ALGORITHMS[n].whiten])
def test_given_advantages_stand_in_place_of_the_group_s(name):
    tokens, rewards = [[1], [2, 3], [4], [5]], [[1, 0], [0, 1]]
    plain = credit(name, tokens, rewards)
    mixed = credit(name, tokens, rewards, advantages=[7.0, np.nan, 0.0, -7.0])
    assert mixed[0, 0] == 7
    assert torch.equal(mixed[1], plain[1])
    assert mixed[2, 0] == 0
    assert mixed[3, 0] == -7


def test_given_advantages_are_whitened_with_the_others():
    given = credit(
        "reinforce++-baseline", [[1], [2], [3]], [[0.0, 0.0, 0.0]], advantages=[3.0, 2.0, 1.0]
    )
    assert given[:, 0].tolist() == pytest.approx([1, 0, -1])


@pytest.mark.parametrize("name", PER_TOKEN)
def test_advantages_of_completions_are_refused_where_they_are_those_of_tokens(name):
    with pytest.raises(AgentError, match="Use another --algorithm"):
        credit(name, [[1], [2]], [[1, 0]], advantages=[1.0, -1.0])
    unset = credit(name, [[1], [2]], [[1, 0]], advantages=[np.nan, np.nan])
    assert torch.equal(unset, credit(name, [[1], [2]], [[1, 0]]))


def test_a_negative_reward_is_refused_where_its_mean_divides():
    with pytest.raises(AgentError, match="a reward of -2 is below 0"):
        credit("maxrl", [[1], [2]], [[1, -2]])


def test_only_the_first_n_train_count():
    found = credit("rloo", [[1], [2], [3], [4]], [[1, 0, 1, 1]], n_train=2)
    assert found[:, 0].tolist() == [1, -1]


def test_the_baseline_of_opo_weighs_lengths():
    found = credit("opo", [[1, 1, 1], [2]], [[1, 0]])
    assert found[:, 0].tolist() == [0.25, -0.75]


def test_reinforce_plus_plus_whitens_over_tokens():
    # Of three tokens two were rewarded: mean 2/3, unbiased variance 1/3.
    found = credit("reinforce++", [[1, 1], [2]], [[1, 0]])
    high, low = (1 / 3) / math.sqrt(1 / 3), (-2 / 3) / math.sqrt(1 / 3)
    assert found.tolist() == [pytest.approx([high, high]), pytest.approx([low, 0])]


def test_the_overlong_penalty_is_taken_off_the_reward():
    pieces = {"overlong_buffer": 4, "scale_by_std": False}
    tokens = [[1] * 8, [2] * 6, [3] * 2, [4] * 2]
    found = credit("grpo", tokens, [[1, 1, 1, 1]], pieces=pieces)
    assert found[:, 0].tolist() == pytest.approx([-0.625, -0.125, 0.375, 0.375])


@pytest.mark.parametrize("name", ["rloo", "reinforce++"])
def test_a_divergence_is_taken_off_the_reward(name):
    algorithm = replace(ALGORITHMS[name], kl_coef=0.5, whiten=False)
    experience = experience_of([[1, 2], [3]], [[1, 0]])
    moved = torch.tensor([[0.2, 0.4], [-0.6, 9.0]])
    experience = replace(
        experience, old_log_probs=moved, reference_log_probs=torch.zeros_like(moved)
    )
    found = assign_credit(algorithm, experience, 8).advantages
    if name == "rloo":  # 1 - 0.5 * 0.6 against 0 + 0.5 * 0.6
        assert found[:, 0].tolist() == pytest.approx([0.4, -0.4])
    else:  # what is still to come at each token
        assert found[0].tolist() == pytest.approx([0.7, 0.8])
        assert found[1].tolist() == pytest.approx([0.3, 0])


def test_what_was_not_computed_is_missed():
    experience = replace(experience_of([[1], [2]], [[1, 0]]), values=None)
    with pytest.raises(ValueError, match="values of a critic"):
        assign_credit(ALGORITHMS["ppo"], experience, 8)
    with pytest.raises(ValueError, match="both log-probabilities"):
        assign_credit(replace(ALGORITHMS["rloo"], kl_coef=1.0), experience, 8)
    with pytest.raises(ValueError, match="not known yet"):
        experience.with_gradient()
    with pytest.raises(ValueError, match="not known yet"):
        experience.loss_inputs(np.arange(2), torch.device("cpu"))


@pytest.mark.parametrize(
    ("algorithm", "reward", "fits"),
    [
        ("grpo", Guard(), True),
        ("ppo", Guard(), False),
        ("ppo", Guard(bonus=0.0), True),
        ("ppo", Majority(), True),
        ("ppo", EntropyShaped(), True),
        ("ppo", EntropyShaped(mode="clip"), False),
        ("reinforce++", HeldVote(DDRL()), False),
    ],
)
def test_what_a_reward_may_bring_is_known_before_it_does(algorithm, reward, fits):
    if fits:
        check_advantages(ALGORITHMS[algorithm], reward)
        return
    with pytest.raises(AgentError, match="Use another --algorithm"):
        check_advantages(ALGORITHMS[algorithm], reward)
