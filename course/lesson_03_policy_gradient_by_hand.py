# %% [markdown]
# # Lesson 3: Policy gradient by hand
#
# *60 minutes of class, 10 seconds of computing.*
#
# A model writes an answer at random. It gets a reward. Which way should its weights move?
#
# You cannot differentiate the reward: it is a number that comes from outside. You cannot
# differentiate the answer either: it was drawn at random. The **policy gradient** gets around both.
# Everything else in this course rests on it, and it fits in five lines.
#
# ## What you will see
#
# - the smallest policy there is, and its exact gradient,
# - that you can estimate this gradient from samples, without knowing how rewards come about,
# - that subtracting one number from every reward does not change the gradient, but makes the
#   estimate far less noisy.
#
# There is no language model in this lesson. The policy writes one token, a digit from 0 to 9. You
# can work everything out with NumPy.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch

from course_tools import exercise, save_picture

# %% [markdown]
# ## The smallest policy
#
# The policy has ten weights $\theta_0, \dots, \theta_9$, one for each digit. They are called
# **logits**. The probability of a digit $a$ is
#
# $$\pi(a) = \frac{e^{\theta_a}}{\sum_b e^{\theta_b}}$$
#
# This function is called *softmax*. A language model ends with the same function. Only its logits
# are not free: a network computes them from the text so far.


# %%
def softmax(logits: np.ndarray) -> np.ndarray:
    """Returns the probabilities of the digits."""
    powers = np.exp(logits - logits.max())  # the same result, without overflow
    return powers / powers.sum()


rng = np.random.default_rng(0)
logits = rng.normal(size=10)
rewards = np.zeros(10)
rewards[7] = 1.0  # the right digit is 7; the policy does not know this
print("probabilities:", softmax(logits).round(3))

# %% [markdown]
# How good is the policy? Its **expected reward** says so, the mean reward over many draws:
#
# $$J = \sum_a \pi(a)\, r(a)$$
#
# Learning means: change the logits so that $J$ grows. The direction of the steepest rise is the
# gradient of $J$. Here you can write it down, because you know all ten rewards. Use
#
# $$\frac{\partial \pi(a)}{\partial \theta_k} = \pi(a)\,\big(\mathbb{1}[a = k] - \pi(k)\big)$$
#
# where $\mathbb{1}[a = k]$ is 1 if $a = k$ and 0 otherwise.
#
# ## Exercise 3.1: the exact gradient
#
# Put this derivative into the sum for $J$ and simplify on paper. Most terms vanish. What is left
# has one term for each $k$. Then write it as one line of NumPy.


# %%
@exercise("3.1")
def exact_gradient(probabilities: np.ndarray, rewards: np.ndarray) -> np.ndarray:
    """Returns the derivative of J with respect to each logit, shape (10,).

    Args:
        probabilities: The probability of each digit, shape (10,).
        rewards: The reward of each digit, shape (10,).
    """
    raise NotImplementedError


# %% [markdown]
# The check compared your function with a known-good one. You need not believe it. There are two
# other ways to the same ten numbers:
#
# - **finite differences**: move one logit a little, and see how much $J$ changes;
# - **autograd**: let PyTorch differentiate.


# %%
def finite_differences(logits: np.ndarray, rewards: np.ndarray, step: float = 1e-5) -> np.ndarray:
    """Returns the derivative of J with respect to each logit, by trying."""
    gradient = np.zeros(10)
    for k in range(10):
        up, down = logits.copy(), logits.copy()
        up[k] += step
        down[k] -= step
        gradient[k] = (softmax(up) @ rewards - softmax(down) @ rewards) / (2 * step)
    return gradient


weights = torch.tensor(logits, requires_grad=True)
(torch.softmax(weights, 0) @ torch.tensor(rewards)).backward()

print("digit              ", "  ".join(f"{k:6}" for k in range(10)))
for name, gradient in (
    ("by hand", exact_gradient(softmax(logits), rewards)),
    ("finite differences", finite_differences(logits, rewards)),
    ("autograd", weights.grad.numpy()),
):
    print(f"{name:19}", "  ".join(f"{each:6.3f}" for each in gradient))

# %% [markdown]
# The gradient pushes digit 7 up and all others down, the likely ones most.
#
# ## From a sum to a sample
#
# A language model does not choose among ten digits. It chooses among more texts than there are
# atoms. You cannot sum over them. But you can *draw* some and see their rewards. This trick turns
# the sum into something to draw from:
#
# $$\nabla J = \sum_a r(a)\, \nabla \pi(a)
#            = \sum_a \pi(a)\, r(a)\, \frac{\nabla \pi(a)}{\pi(a)}
#            = \mathbb{E}_{a \sim \pi}\big[\, r(a)\, \nabla \log \pi(a) \,\big]$$
#
# The last step uses $\nabla \log \pi = \nabla \pi / \pi$. The vector $\nabla \log \pi(a)$ is called
# the **score** of $a$. For our policy it is simple:
#
# $$\frac{\partial \log \pi(a)}{\partial \theta_k} = \mathbb{1}[a = k] - \pi(k)$$
#
# So: draw $n$ digits, multiply the score of each with its reward, and average. On average, over
# many repetitions, this *is* the gradient. An estimate with this property is called **unbiased**.
#
# You may also subtract a number $b$ from every reward first, the **baseline**:
#
# $$\hat g = \frac{1}{n} \sum_{i=1}^{n} (r_i - b)\, \nabla \log \pi(a_i)$$
#
# It stays unbiased, because the scores average to zero: $\sum_a \pi(a)\, \nabla \log \pi(a)
# = \sum_a \nabla \pi(a) = \nabla 1 = 0$.
#
# ## Exercise 3.2: the gradient from samples
#
# Write $\hat g$. You may use loops. Without them: `np.eye(10)[actions]` has a row for each draw,
# with a 1 in the column of its digit. And `numbers[:, None] * rows` multiplies each row with a
# number of its own.


# %%
@exercise("3.2")
def estimated_gradient(
    probabilities: np.ndarray, actions: np.ndarray, rewards: np.ndarray, baseline: float
) -> np.ndarray:
    """Returns the policy-gradient estimate from n draws, shape (10,).

    Args:
        probabilities: The probability of each digit, shape (10,).
        actions: The digits that were drawn, shape (n,), whole numbers.
        rewards: The reward of each draw, shape (n,). Not of each digit!
        baseline: What is subtracted from every reward.
    """
    raise NotImplementedError


# %% [markdown]
# Is it unbiased? Draw 16 digits, estimate, and repeat 5,000 times. The mean of the estimates must
# come close to the exact gradient, with any baseline.


# %%
def many_estimates(baseline: float, rewards: np.ndarray, repeats: int = 5_000) -> np.ndarray:
    """Returns estimates from 16 draws each, shape (repeats, 10)."""
    rng = np.random.default_rng(1)
    draws = rng.choice(10, size=(repeats, 16), p=softmax(logits))
    return np.array(
        [estimated_gradient(softmax(logits), each, rewards[each], baseline) for each in draws]
    )


exact = exact_gradient(softmax(logits), rewards)
print("exact gradient:  ", exact.round(3))
for baseline in (0.0, 0.5, -3.0):
    estimates = many_estimates(baseline, rewards)
    error = np.abs(estimates.mean(axis=0) - exact).max()
    print(
        f"baseline {baseline:4}: the mean is off by {error:.4f} at most; "
        f"a single estimate is off by {estimates.std(axis=0).max():.4f} typically"
    )

# %% [markdown]
# All three have the right mean. But look at the last column: with a baseline of $-3$ a single
# estimate is much noisier. In training you take a step after *each* estimate, so noise matters.
#
# ## Exercise 3.3: the best constant baseline
#
# How noisy an estimate is, is measured by its variance. Add up the variances of the ten numbers.
# For one draw, with $s(a) = \nabla \log \pi(a)$, this is
#
# $$V(b) = \mathbb{E}\big[(r - b)^2\, \lVert s \rVert^2\big] - \lVert \nabla J \rVert^2$$
#
# The last term does not depend on $b$. Set the derivative with respect to $b$ to zero. You get the
# best baseline $b^*$ as one expectation divided by another. It is *not* exactly the mean reward:
# draws with long scores count more. Write it. Both expectations are sums over the ten digits, and
#
# $$\lVert s(a) \rVert^2 = \sum_k (\mathbb{1}[a = k] - \pi(k))^2$$
#
# `np.eye(10) - probabilities` has the score of digit $a$ in row $a$.


# %%
@exercise("3.3")
def best_baseline(probabilities: np.ndarray, rewards: np.ndarray) -> float:
    """Returns the constant baseline with the least variance.

    Args:
        probabilities: The probability of each digit, shape (10,).
        rewards: The reward of each digit, shape (10,).
    """
    raise NotImplementedError


# %% [markdown]
# ## The picture
#
# On the left: the variance of an estimate, by its baseline. Two reward functions are shown. The
# first is 1 for the right digit and 0 otherwise. The second is the same plus 2. Both have the same
# gradient! Without a baseline, the second is far noisier. With the best baseline they are alike.
#
# On the right: learning. Each step draws 8 digits, estimates the gradient and adds it to the
# logits. The rewards are those with 2 added. Each curve is the mean of 30 runs. Half of the runs
# lie within its shade.


# %%
def total_variance(baseline: float, rewards: np.ndarray) -> float:
    """Returns the variance of one draw's estimate, added up over the logits."""
    p = softmax(logits)
    scores = np.eye(10) - p
    length = (scores**2).sum(axis=1)
    return float(p @ ((rewards - baseline) ** 2 * length)) - float(
        (exact_gradient(p, rewards) ** 2).sum()
    )


def learn(kind: str, seed: int, steps: int = 100) -> list[float]:
    """Returns the probability of the right digit, step by step."""
    rng, weights, curve = np.random.default_rng(seed), np.zeros(10), []
    for _ in range(steps):
        p = softmax(weights)
        curve.append(p[7])
        drawn = rng.choice(10, size=8, p=p)
        baselines = {"none": 0.0, "mean": p @ (rewards + 2), "best": best_baseline(p, rewards + 2)}
        weights += estimated_gradient(p, drawn, (rewards + 2)[drawn], baselines[kind])
    return curve


figure, (left, right) = plt.subplots(1, 2)
grid = np.linspace(-1, 4, 101)
for added, colour in ((0, "tab:blue"), (2, "tab:orange")):
    shifted = rewards + added
    label = "rewards 0 and 1" if added == 0 else "rewards 2 and 3"
    left.plot(grid, [total_variance(b, shifted) for b in grid], color=colour, label=label)
    best = best_baseline(softmax(logits), shifted)
    left.plot(best, total_variance(best, shifted), "o", color=colour)
    left.plot(0, total_variance(0, shifted), "x", color=colour)
left.set(xlabel="baseline", ylabel="variance of one draw's estimate", ylim=(-0.2, 8))
left.set_title("x: no baseline, dot: the best one")
left.legend()

for kind, colour in (("none", "tab:red"), ("mean", "tab:green"), ("best", "tab:blue")):
    curves = np.array([learn(kind, seed) for seed in range(30)])
    style = "--" if kind == "best" else "-"
    right.plot(curves.mean(axis=0), style, color=colour, label=f"baseline: {kind}")
    low, high = np.percentile(curves, [25, 75], axis=0)
    right.fill_between(range(curves.shape[1]), low, high, color=colour, alpha=0.15)
    print(f"baseline {kind}: right with probability {curves[:, -1].mean():.2f} after 100 steps")
right.set(xlabel="step", ylabel="probability of the right digit", ylim=(0, 1))
right.legend(loc="lower right")
save_picture(figure, "lesson_03")

# %% [markdown]
# Without a baseline every reward is positive, so every digit that is drawn is pushed up, right or
# wrong. Some runs then settle on a wrong digit for good. With a baseline, a digit is pushed up only
# if it did better than expected, and otherwise *down*.
#
# The best baseline is hardly better than the mean reward, and harder to compute. So in practice
# everybody takes a mean. The number $r - b$ is called the **advantage**.
#
# ## Two questions to think about
#
# 1. Give every digit the reward 1. What is the exact gradient? What does the estimate without a
#    baseline do in one step, and what after a thousand?
# 2. The baseline may not depend on the digit that was drawn. Where does the proof that it is
#    unbiased need this? What if $b$ is the mean of the $n$ rewards, the drawn one included? (You
#    will meet this in lesson 4.)
#
# ## What to look at in a report
#
# This lesson made no run. But every run that you train later reports the column `grad_norm` in its
# `metrics.jsonl`: the length of the gradient estimate. When all completions of a question get the
# same reward, every advantage is 0, and that question adds nothing to it.
