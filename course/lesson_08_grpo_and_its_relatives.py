# %% [markdown]
# # Lesson 8: GRPO and its relatives
#
# *90 minutes of class, 2 minutes of computing.*
#
# REINFORCE takes one step on each batch of completions and throws the batch away. Sampling is the
# expensive part, so everybody wants to take several steps. Then the policy that learns is no longer
# the policy that wrote the completions, and something has to hold it back.
#
# Out of this one problem grew PPO, GRPO, DAPO, GSPO, CISPO and a dozen more. They look different in
# their papers. In code they are a few lines each, and they share most of them.
#
# ## What you will see
#
# - the probability ratio, and why PPO clips it,
# - that all these algorithms are REINFORCE as long as you take one step,
# - three ways to estimate how far a policy has moved, and which one is best,
# - how an average over tokens can favour long wrong answers,
# - PPO's critic, and when it is of no use,
# - Stable-Baselines3's PPO, which knows nothing of text, training a language model token by token.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch

from course_tools import exercise, save_picture
from course_tools.shared_runs import measured, metrics_of, trained
from ttrl_agents.config.algorithms import Algorithm
from ttrl_agents.learning.losses import (
    SURROGATES,
    Counts,
    SurrogateInputs,
    aggregate,
    clipped_surrogate,
    probability_ratio,
)
from ttrl_benchmarks import load_benchmark

# %% [markdown]
# ## Too many steps on one batch
#
# Take the policy of lesson 3: ten digits, ten logits. Draw a batch of 16 digits once. Then take 60
# steps of gradient ascent on this same batch.
#
# Since the policy moves, each draw has to be weighted. It was drawn with the old probability. The
# **probability ratio** says how much likelier it is now:
#
# $$\rho = \frac{\pi_{\text{new}}(a)}{\pi_{\text{old}}(a)}
#        = e^{\log \pi_{\text{new}}(a) - \log \pi_{\text{old}}(a)}$$
#
# The objective of one draw is $\rho A$, with the advantage $A$. At $\rho = 1$ its gradient is
# $A\, \nabla \log \pi$: REINFORCE.


# %%
def many_steps(steps: int, surrogate) -> tuple[np.ndarray, np.ndarray]:
    """Returns the mean advantage and the largest ratio after each step on one batch."""
    rng = np.random.default_rng(3)
    logits = torch.zeros(10, requires_grad=True)
    drawn = torch.tensor(rng.integers(10, size=16))
    rewards = torch.tensor(rng.normal(size=16), dtype=torch.float32)  # pure noise!
    advantages = rewards - rewards.mean()
    old = logits.detach().log_softmax(0)[drawn]
    expected, largest = [], []
    for _ in range(steps):
        ratio = (logits.log_softmax(0)[drawn] - old).exp()
        loss = surrogate(ratio, advantages).mean()
        (gradient,) = torch.autograd.grad(loss, logits)
        with torch.no_grad():
            logits -= 5 * gradient
        expected.append((ratio * advantages).mean().item())
        largest.append(ratio.max().item())
    return np.array(expected), np.array(largest)


expected, largest = many_steps(60, lambda ratio, advantages: -ratio * advantages)
print(f"the batch promises a gain of {expected[-1]:.2f}; the largest ratio is {largest[-1]:.1f}")

# %% [markdown]
# The rewards were pure noise. There was nothing to learn. Yet the batch promises a large gain, and
# the policy has changed beyond recognition. It has learned sixteen random numbers by heart.
#
# PPO ([arXiv 1707.06347](https://arxiv.org/abs/1707.06347)) takes the promise away. It computes the
# objective twice, once with the ratio cut off near 1, and takes the *smaller* one:
#
# $$L = -\min\big(\rho A,\; \operatorname{clip}(\rho,\, 1 - \epsilon_l,\, 1 + \epsilon_h)\, A\big)$$
#
# Once a good draw is 20 % likelier than it was, making it likelier still brings nothing. The
# gradient stops. A bad draw stops when it is 20 % less likely.
#
# ## Exercise 8.1: the clipped loss
#
# Write $L$, one number for each token. Mind the minimum: for a negative advantage the two
# candidates change places.


# %%
@exercise("8.1")
def clipped_loss(
    ratio: np.ndarray, advantages: np.ndarray, clip_low: float, clip_high: float
) -> np.ndarray:
    """Returns PPO's loss of each token, shape (n,).

    Args:
        ratio: The probability ratio of each token, shape (n,).
        advantages: The advantage of each token, shape (n,).
        clip_low: How far below 1 the ratio may fall, e.g. 0.2.
        clip_high: How far above 1 it may rise, e.g. 0.2.
    """
    raise NotImplementedError


# %% [markdown]
# Do the sixty steps again, with the clip. (Your function works on NumPy arrays. For the gradient
# the same lines are needed in PyTorch, so here is the one of the package.)

# %%
expected, largest = many_steps(60, clipped_surrogate)
print(f"with the clip: a gain of {expected[-1]:.2f}; the largest ratio is {largest[-1]:.1f}")

# %% [markdown]
# The ratio still leaves the band from 0.8 to 1.2: a step is finite, and a digit that is pushed down
# lifts all the others. The clip is a brake and not a wall.
#
# ## At ratio 1 they are all the same
#
# The other algorithms brake differently:
#
# - **DAPO** ([2503.14476](https://arxiv.org/abs/2503.14476)) has two bounds, 0.2 below and 0.28
#   above, so that unlikely tokens may rise further;
# - **GSPO** ([2507.18071](https://arxiv.org/abs/2507.18071)) takes the geometric mean of the ratios
#   of a whole completion;
# - **CISPO** ([2506.13585](https://arxiv.org/abs/2506.13585)) bounds the ratio and uses it as a
#   weight, $-\operatorname{sg}(\min(\rho, 5))\, A \log \pi$, so no token loses its gradient
#   ($\operatorname{sg}$ stops the gradient);
# - **SAPO** ([2511.20347](https://arxiv.org/abs/2511.20347)) lets the gradient fade smoothly.
#
# Compute the gradient of each with respect to the log-probability of one token. It is the number by
# which $\nabla \log \pi$ is multiplied.

# %%
FAMILY = {
    "REINFORCE": None,
    "PPO, GRPO": Algorithm(),
    "DAPO": Algorithm(clip_high=0.28),
    "GSPO": Algorithm(ratio="sequence", clip_low=3e-4, clip_high=4e-4),
    "CISPO": Algorithm(objective="weight", clip_low=1.0, clip_high=4.0),
    "SAPO": Algorithm(objective="gate"),
}


def push(name: str, ratio: float, advantage: float) -> float:
    """Returns how strongly a loss pushes the log-probability of a token up."""
    algorithm = FAMILY[name]
    if algorithm is None:
        return advantage
    log_prob = torch.tensor([[float(np.log(ratio))]], dtype=torch.float64, requires_grad=True)
    zero, mask = torch.zeros_like(log_prob), torch.ones(1, 1, dtype=torch.bool)
    inputs = SurrogateInputs(
        algorithm=algorithm,
        ratio=probability_ratio(log_prob, zero.detach(), mask, algorithm.ratio),
        advantages=torch.full_like(zero, advantage),
        log_probs=log_prob,
    )
    loss, _ = SURROGATES.find(algorithm.objective)(inputs)
    (gradient,) = torch.autograd.grad(loss.sum(), log_prob)
    return -gradient.item() + 0.0  # without a minus in front of 0


print("              A = +1                    A = -1")
print("ratio         0.7    1     1.25   2     0.7    1     1.25   2")
for name in FAMILY:
    cells = [push(name, ratio, sign) for sign in (1, -1) for ratio in (0.7, 1.0, 1.25, 2.0)]
    print(f"{name:10}", " ".join(f"{each:6.2f}" for each in cells))

# %% [markdown]
# Look at the columns with ratio 1. They are all $+1$ or all $-1$. So **as long as you take one step
# on each batch, all of these are REINFORCE**. What then still differs is the advantage, and the
# average over tokens. The defaults of this package take one step, except where the clip is the
# whole point of an algorithm; there they take four.
#
# Look at the columns with ratio 2. For a *bad* token that has become likelier (A = -1), PPO's clip
# does nothing: it pushes down with full force, and it should.
#
# ## How far has the policy moved?
#
# The clip looks at one batch. Over hundreds of steps a policy can still drift far from where it
# began. The **Kullback-Leibler divergence** measures how far:
#
# $$\mathrm{KL}(\pi \,\|\, \pi_0) = \mathbb{E}_{a \sim \pi}\big[\log \pi(a) - \log \pi_0(a)\big]$$
#
# You cannot sum over all texts. You have samples, and $d = \log \pi(a) - \log \pi_0(a)$ of each.
# There are three estimators in use:
#
# $$k_1 = d \qquad k_2 = \tfrac{1}{2} d^2 \qquad k_3 = e^{-d} + d - 1$$
#
# $k_1$ is the definition. But it is negative for every sample that has become *less* likely, and a
# distance should not be negative.
#
# ## Exercise 8.2: k3
#
# Write $k_3$. Mind the sign in the exponent: $e^{-d}$ is the ratio $\pi_0(a) / \pi(a)$.


# %%
@exercise("8.2")
def k3(log_probs: np.ndarray, initial_log_probs: np.ndarray) -> np.ndarray:
    """Returns the estimate k3 of the divergence for each token, shape (n,).

    Args:
        log_probs: Log-probabilities of sampled tokens under the policy, shape (n,).
        initial_log_probs: The same under the initial policy, shape (n,).
    """
    raise NotImplementedError


# %% [markdown]
# Now see for yourself. Two policies over ten digits, a close pair and a far one, and 100,000
# samples of each.


# %%
def compare_estimators(name: str, spread: float) -> None:
    """Prints the true divergence, and mean, noise and smallest value of the three estimators."""
    rng = np.random.default_rng(0)
    first = rng.normal(size=10)
    second = first + spread * rng.normal(size=10)
    log_p, log_q = (each - np.log(np.exp(each).sum()) for each in (second, first))
    true = np.exp(log_p) @ (log_p - log_q)
    drawn = rng.choice(10, size=100_000, p=np.exp(log_p))
    d = (log_p - log_q)[drawn]
    print(f"{name}: the true divergence is {true:.4f} nats")
    for label, values in (("k1", d), ("k2", d**2 / 2), ("k3", k3(log_p[drawn], log_q[drawn]))):
        print(
            f"  {label}: mean {values.mean():.4f}, noise of one sample {values.std():.4f}, "
            f"smallest {values.min():.4f}"
        )


compare_estimators("close", 0.2)
compare_estimators("far", 1.5)

# %% [markdown]
# $k_1$ and $k_3$ have the right mean, near and far. $k_2$ has not when the policies are far apart.
# $k_3$ is never negative (why? draw $e^{-d}$ and its tangent at $d = 0$) and, for policies that are
# close, far less noisy than $k_1$. TTRL's own settings use $k_3$ with a weight of 0.001
# ([2504.16084](https://arxiv.org/abs/2504.16084)).
#
# ## Which mean?
#
# A loss has one number for each token, and becomes one number for the batch. There are three ways:
#
# - **token**: the sum over all tokens, divided by their number;
# - **sequence**: the mean over the completions of the mean over their tokens (the paper of GRPO,
#   [2402.03300](https://arxiv.org/abs/2402.03300));
# - **fixed**: the sum, divided by a constant (Dr. GRPO,
#   [2503.20783](https://arxiv.org/abs/2503.20783)).
#
# Take two wrong completions, one of 10 tokens and one of 40. How strongly is each *token* pushed
# down, and how strongly each completion as a whole?

# %%
lengths = (10, 40)
mask = torch.zeros(2, 40, dtype=torch.bool)
for row, length in enumerate(lengths):
    mask[row, :length] = True
print("mean       a token of 10   a token of 40   all of 10   all of 40")
for how in ("token", "sequence", "fixed"):
    losses = torch.zeros(2, 40, requires_grad=True)
    (weight,) = torch.autograd.grad(aggregate(losses, mask, how, Counts.of(mask)), losses)
    short, long = float(weight[0, 0]), float(weight[1, 0])
    print(f"{how:10} {short:13.4f} {long:15.4f} {short * 10:11.3f} {long * 40:11.3f}")

# %% [markdown]
# With `sequence` a token of the long completion weighs a quarter. A model that is wrong can make
# each of its tokens cheaper by writing more of them. For right completions it is the other way
# round: short ones are pushed up harder per token. So the model learns to be brief when it is right
# and to ramble when it is wrong. This is the **length bias** that Dr. GRPO removes.
#
# ## A critic
#
# GRPO compares a completion with others of its group. PPO learns a second network instead, the
# **critic**. It reads a completion up to token $t$ and predicts the reward that will come: $V_t$.
# The advantage of a token is how much better things went than the critic expected:
#
# $$\delta_t = r_t + \gamma V_{t+1} - V_t \qquad
#   A_t = \delta_t + \gamma \lambda\, A_{t+1}$$
#
# This is **generalised advantage estimation** ([1506.02438](https://arxiv.org/abs/1506.02438)).
# After the last token, $V$ and $A$ are 0. $\lambda$ says whom you trust: with $\lambda = 1$ the
# rewards, with $\lambda = 0$ the critic.
#
# ## Exercise 8.3: generalised advantages
#
# Go through the tokens from the last to the first.


# %%
@exercise("8.3")
def advantages_of_tokens(
    rewards: np.ndarray, values: np.ndarray, gamma: float, trust: float
) -> np.ndarray:
    """Returns the generalised advantage of each token of one completion, shape (length,).

    Args:
        rewards: The reward at each token, shape (length,); for us 0 but at the last one.
        values: What the critic expects at each token, shape (length,).
        gamma: The discount per token.
        trust: Lambda, from 0 to 1.
    """
    raise NotImplementedError


# %% [markdown]
# A completion of five tokens whose reward is 1, and a critic that grows more hopeful as it reads.

# %%
rewards, values = np.array([0, 0, 0, 0, 1.0]), np.array([0.3, 0.3, 0.8, 0.9, 0.9])
for trust in (1.0, 0.95, 0.0):
    found = advantages_of_tokens(rewards, values, gamma=1.0, trust=trust)
    print(f"lambda {trust:4}:", "  ".join(f"{each:5.2f}" for each in found))
blind = advantages_of_tokens(rewards, np.zeros(5), gamma=1.0, trust=1.0)
print("a critic that expects nothing, lambda 1:", blind)

# %% [markdown]
# With $\lambda = 1$ the advantage is "reward minus $V_t$", whatever comes in between. With
# $\lambda = 0$ the third token gets the credit: there the critic's hope rose from 0.3 to 0.8.
#
# And a critic that expects nothing, with $\lambda = 1$, gives every token the reward of the
# completion: REINFORCE once more. Our tiny reasoner has one reward at the end of some twenty
# tokens. There a critic has little to tell, and the mean of the group, which needs no second
# network, is as good a baseline.
#
# ## Do they learn?
#
# Train the tiny reasoner with three of them, without labels, for 40 steps each, on questions of the
# levels 1 and 2. `grpo` takes one update on each batch, `dapo` and `ppo` take four. (If you have
# done lesson 6, the first run is there already.)

# %%
EASY = {"levels": [1, 2]}
runs = {
    "grpo": trained(
        "majority-0", reward="majority", seed=0, env_options=EASY, steps=40, evaluate=False
    ),
    "dapo": trained("dapo", algorithm="dapo", env_options=EASY, steps=40, evaluate=False),
    "ppo": trained("ppo", algorithm="ppo", env_options=EASY, steps=40, evaluate=False),
}
held_out = load_benchmark("arithmetic", split="held_out", levels=[1, 2])
print("\nheld-out questions, T 0.6, top-p 0.95: mean@16 with its 95 % interval")
print(f"{'before':8} {measured('tiny', held_out).metrics['mean@16']}")
for name, run in runs.items():
    metrics = metrics_of(run)
    print(
        f"{name:8} {measured(run, held_out).metrics['mean@16']}"
        f"   largest ratio {metrics['ratio_max'].max():.2f}"
        f"   clipped in a step: {metrics['clip_fraction'].max():.1%} at most"
    )
critic = metrics_of(runs["ppo"])["explained_variance"]
print(f"\nPPO's critic explains {critic[-10:].mean():.0%} of what it should predict, in the end")

# %% [markdown]
# All three end alike. With four updates the ratio leaves 1, but it stays so close to 1 that hardly
# a token is ever clipped. And the critic predicts next to nothing: the reward comes at the end of a
# short completion, and until then there is little to see. So `dapo` and `ppo` are REINFORCE that
# takes four steps where `grpo` takes one.
#
# With larger steps, with more updates on each batch, or with completions of thousands of tokens,
# none of this holds. Then the algorithms differ.
#
# ## PPO that knows nothing of text
#
# Stable-Baselines3 is a classic library of reinforcement learning. Its PPO was written for robots
# and games. Here it writes text: an *action* is one token, an *episode* is one completion. Not a
# line of its PPO is changed. (`pip install 'ttrl-env[sb3]'`; without it this part is left out.)

# %%
try:
    from stable_baselines3 import PPO
except ImportError:
    PPO = None
    print("stable-baselines3 is not installed, so this part is left out")


def train_with_sb3(updates: int) -> list[float]:
    """Returns the share of completions that agree with their majority, update by update."""
    from stable_baselines3.common.callbacks import BaseCallback

    from ttrl_agents.policy import load_policy
    from ttrl_agents.sb3 import (
        CausalLMActorCriticPolicy,
        CompletionRolloutBuffer,
        VoteMetrics,
        make_token_envs,
    )
    from ttrl_env.integrations.sb3 import SB3VecEnv

    class Curve(BaseCallback):
        """Keeps the majority ratio of each rollout."""

        def __init__(self) -> None:
            super().__init__()
            self.values: list[float] = []

        def _on_step(self) -> bool:
            return True

        def _on_rollout_end(self) -> None:
            self.values.append(self.logger.name_to_value["votes/majority_ratio"])

    torch.set_num_threads(1)
    envs = make_token_envs(
        "TTRL-Arithmetic-v0",
        load_policy("tiny", device="cpu"),
        num_envs=8 * 16,
        group_size=16,
        benchmark=load_benchmark("arithmetic", levels=[1, 2]),
        max_tokens=64,
        fixed_length=True,  # a rollout of 64 steps is one whole completion from each
        centre_rewards=True,  # the mean of the group, since the critic knows little yet
    )
    model = PPO(
        CausalLMActorCriticPolicy,
        SB3VecEnv(envs),
        n_steps=64,
        batch_size=8 * 16 * 64,
        n_epochs=2,
        gamma=1.0,
        gae_lambda=1.0,
        learning_rate=2e-4,
        vf_coef=0.1,
        max_grad_norm=1.0,
        rollout_buffer_class=CompletionRolloutBuffer,
        policy_kwargs={"model": "tiny", "optimizer_class": torch.optim.AdamW},
        device="cpu",
        seed=0,
    )
    curve = Curve()
    model.learn(updates * 8 * 16 * 64, callback=[VoteMetrics(), curve], log_interval=updates + 1)
    return curve.values


token_by_token = train_with_sb3(updates=30) if PPO is not None else []
if token_by_token:
    first, last = np.mean(token_by_token[:5]), np.mean(token_by_token[-5:])
    print(f"Stable-Baselines3's PPO: majority ratio {first:.2f} at first, {last:.2f} at last")

# %% [markdown]
# ## The picture
#
# Left and middle: how strongly each algorithm pushes a token, by its ratio, for a good and for a
# bad completion. They all meet at ratio 1. Right: the runs. The majority ratio needs no label, so
# you could draw this panel for any questions.

# %%
figure, (good, bad, curves) = plt.subplots(1, 3, figsize=(13, 4))
grid = np.linspace(0.4, 2.2, 181)
for axes, sign in ((good, 1), (bad, -1)):
    for name in FAMILY:
        axes.plot(grid, [push(name, ratio, sign) for ratio in grid], label=name)
    axes.axvline(1, color="black", linewidth=0.8, linestyle=":")
    axes.set(xlabel="probability ratio", title=f"A = {sign:+d}", ylabel="push on log π")
good.legend(fontsize=8)


def smooth(values, width: int = 5) -> np.ndarray:
    """Returns the moving mean over a few steps."""
    return np.convolve(values, np.ones(width) / width, mode="valid")


for name, run in runs.items():
    curves.plot(smooth(metrics_of(run)["majority_ratio"]), label=name)
if token_by_token:
    curves.plot(smooth(token_by_token), "--", label="SB3's PPO")
curves.set(xlabel="step", ylabel="majority ratio, T 1, top-p 1", ylim=(0, 1), title="training")
curves.legend(fontsize=8)
save_picture(figure, "lesson_08")

# %% [markdown]
# The runs that take several updates on each batch are ahead at first, and lie on top of each other.
# In the figure of TTRL's paper that compares GRPO, PPO and PRIME the curves lie close together, too
# ([2504.16084](https://arxiv.org/abs/2504.16084)).
#
# Do not rank algorithms by it. It is one seed, and each would have a learning rate of its own.
# Lesson 7 says what a comparison would need.
#
# ## Two questions to think about
#
# 1. In GRPO the advantage is divided by the standard deviation of its group. One of sixteen
#    completions agrees with the label in one group, eight of sixteen in another. Which right
#    completion gets the larger push, with the division and without? Is that what you want if the
#    "label" is a vote?
# 2. You take four updates on each batch and see that half of all tokens are clipped. What does it
#    tell you, and what would you change?
#
# ## What to look at in a report
#
# Open `output/runs/dapo/report.html` and `output/runs/majority-0/report.html`. In the table of
# settings the first lines are those that differ. In `metrics.jsonl` look at `ratio_max` and
# `clip_fraction`: with one update on each batch the first is 1 and the second 0, always. For `ppo`
# look at `explained_variance`, which says how well the critic predicts: 0 is no better than a
# constant, 1 is perfect.
