# %% [markdown]
# # Lesson 6: What do labels buy?
#
# *90 minutes of class, 2 minutes of computing.*
#
# In lesson 5 the votes took the place of the labels, and the model improved. Was it the votes?
# Would the labels have been better? Would *anything* have been as good, even a coin?
#
# You only know if you try. A run that is made to be compared with is called a **control**. On some
# models even random rewards raise the score ([2506.10947](https://arxiv.org/abs/2506.10947)), so a
# gain without a control says little.
#
# ## What you will see
#
# - a number that says, before any training, what a reward would teach,
# - what training with the true labels adds to training with votes,
# - what rewards without a vote do: certainty, format, and a coin,
# - that one run with a coin can look like progress,
# - how a model gets around a reward that you wrote, and how to prevent it.

# %%
from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch

from course_tools import exercise, save_picture
from course_tools.shared_runs import MAX_TOKENS, measured, metrics_of, trained
from ttrl_agents.policy import load_policy
from ttrl_agents.samplers import SamplingParams, TransformersSampler
from ttrl_benchmarks import load_benchmark
from ttrl_env.consensus import Ballot, Verdict, judge, register_estimator, resolve_estimator

# %% [markdown]
# ## Five rewards
#
# Here are five rewards. One of them sees the labels, one of them counts votes, and three do
# neither:
#
# - `oracle` rewards the true label. It is the upper bound. TTRL's paper calls it leakage
#   ([2504.16084](https://arxiv.org/abs/2504.16084)).
# - `majority` rewards agreement with the majority. It is TTRL.
# - `negative_entropy` rewards completions of which the model was sure, token by token
#   ([2505.22660](https://arxiv.org/abs/2505.22660)). It does not look at the answer.
# - `format_only` rewards any answer of a completion that ended by itself, whatever it is.
# - `random` throws a coin ([2506.10947](https://arxiv.org/abs/2506.10947)).
#
# To save time, this lesson has questions of the levels 1 and 2 only, 100 to train on and 100 to
# test on. Sample 16 completions of each of the 100, as a step of training does, and let every
# reward judge the same completions. In a group, GRPO subtracts the mean reward and divides by the
# standard deviation. What is left is the **advantage**: which completions are pushed up, which
# down.

# %%
REWARDS = ("oracle", "majority", "negative_entropy", "format_only", "random")
questions = load_benchmark("arithmetic", levels=[1, 2])
torch.set_num_threads(1)
sampler = TransformersSampler(load_policy("tiny", device="cpu"))
params = SamplingParams(MAX_TOKENS, temperature=1.0, token_statistics=True)
prompts = [questions.prompt(each) for each in questions.questions for _ in range(16)]
completions = sampler.sample(prompts, params, seed=0)
groups = [completions[i : i + 16] for i in range(0, len(completions), 16)]


def advantages_of(reward: str) -> np.ndarray:
    """Returns GRPO's advantage of each completion, shape (100, 16)."""
    estimator = resolve_estimator(reward, questions)
    rewards = np.array(
        [
            judge(estimator, group, question, questions, position)[1].rewards
            for position, (group, question) in enumerate(
                zip(groups, questions.questions, strict=True)
            )
        ]
    )
    centred = rewards - rewards.mean(axis=1, keepdims=True)
    return centred / (rewards.std(axis=1, ddof=1, keepdims=True) + 1e-6)


right = advantages_of("oracle") > 0  # only to judge the rewards
print(f"{right.mean():.3f} of the completions are right, at T 1, top-p 1")

# %% [markdown]
# ## Exercise 6.1: what would a reward teach?
#
# A reward teaches something useful if right completions are pushed up more than wrong ones. So
# compare, in each group, the mean advantage of the right completions with that of the wrong ones.
# Average the difference over the groups. Groups that are all right or all wrong have nothing to
# compare; leave them out.


# %%
@exercise("6.1")
def signal(advantages: np.ndarray, right: np.ndarray) -> float:
    """Returns how much more the right completions of a group are pushed up than the wrong ones.

    Args:
        advantages: The advantage of each completion, shape (groups, completions).
        right: Whether each completion is right, shape (groups, completions), bool.
    """
    raise NotImplementedError


# %%
for reward in REWARDS:
    print(f"{reward:17} signal {signal(advantages_of(reward), right):6.2f}")

# %% [markdown]
# ## Your prediction
#
# Before you run the next cell, write down your ranking, best first: which of the five will have the
# most right answers on held-out questions after 40 steps? And where will each end: above the
# untrained model, at it, or below?

# %%
MY_RANKING = ["oracle", "majority", "negative_entropy", "format_only", "random"]  # yours?

# %% [markdown]
# Now train with each. The coin gets three runs, with three seeds. This takes most of the lesson's
# computing. The runs are kept in `output/runs`, so a second start of the lesson is quick.

# %%
held_out = load_benchmark("arithmetic", split="held_out", levels=[1, 2])


def train_with(reward: str, seed: int = 0) -> Path:
    """Returns the folder of a run with a reward."""
    return trained(
        f"{reward}-{seed}",
        reward=reward,
        seed=seed,
        env_options={"levels": [1, 2]},
        steps=40,
        evaluate=False,
    )


def describe(name: str, model: str | Path) -> float:
    """Prints how a model answers held-out questions; returns mean@16 at T 0.6, top-p 0.95."""
    sampled, greedy = measured(model, held_out), measured(model, held_out, k=1, temperature=0)
    mean = float(sampled.correct.mean())
    print(
        f"{name:24} mean@16 {mean:.3f}   maj@16 {sampled.majority_correct.mean():.3f}"
        f"   greedy {greedy.correct.mean():.3f}   tokens {sampled.mean_tokens:.0f}"
    )
    return mean


runs = {(reward, 0): train_with(reward) for reward in REWARDS}
runs |= {("random", seed): train_with("random", seed) for seed in (1, 2)}
print("\nheld-out questions; T 0.6, top-p 0.95, and greedily")
before = describe("before training", "tiny")
after = {key: describe(f"{key[0]}, seed {key[1]}", run) for key, run in runs.items()}

# %% [markdown]
# How good was your prediction? Of the ten pairs of rewards, count those that you put in the right
# order. For the coin, take the mean of its three seeds.

# %%
scores = {reward: after[reward, 0] for reward in REWARDS}
scores["random"] = float(np.mean([after["random", seed] for seed in range(3)]))
pairs = [(a, b) for i, a in enumerate(MY_RANKING) for b in MY_RANKING[i + 1 :]]
print(f"you had {sum(scores[a] > scores[b] for a, b in pairs)} of {len(pairs)} pairs right")

# %% [markdown]
# Read the table line by line.
#
# - **The vote comes close to the labels.** On questions as easy as these, the true labels buy
#   hardly anything on top.
# - **Certainty comes close, too**, without any vote. So that a run learns does not show that voting
#   was needed. It was enough that worked answers are surer than guesses *in this model*.
# - **The format teaches nothing.** Nearly every completion earns the same, so there is no
#   advantage.
# - **The coin looks like progress.** All three runs end above the untrained model, each somewhere
#   else. Nothing told the model what is right. The coin made it surer of some of what it did
#   anyway, and some of that was right. A paper with one run of a coin, and another name for it,
#   would have reported a gain.
#
# Train for longer, and the coin ends anywhere, also far below the untrained model;
# [the controls](../docs/controls.md) have three runs of 100 steps. So a gain alone is not evidence.
# A gain over the *coin*, over several seeds, is.
#
# ## A reward of your own, and how it is hacked
#
# Somebody complains that the trained model writes too much. So you reward brevity: in each group,
# the shortest completions that have an answer earn 1, all others 0.
#
# ## Exercise 6.2: reward the shortest
#
# If several are equally short, all of them earn 1. A completion without an answer earns 0, however
# short it is.


# %%
@exercise("6.2")
def shortest(lengths: np.ndarray, votes: np.ndarray) -> np.ndarray:
    """Returns the reward of each completion of a group, shape (n,).

    Args:
        lengths: The tokens of each completion, shape (n,).
        votes: The answer of each completion as a number, equal answers equal numbers; -1 where
            there is no answer, shape (n,).
    """
    raise NotImplementedError


# %%
def register(name: str, function: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> None:
    """Makes your function a reward that `--reward` and `TrainConfig(reward=…)` know by name."""

    def reward(ballot: Ballot) -> Verdict:
        rewards = np.asarray(function(ballot.lengths, ballot.classes), dtype=float)
        return Verdict(rewards, pseudo_label=None)

    register_estimator(name, lambda: reward, summary="of lesson 6")


register("shortest", shortest)
print(f"signal of `shortest`: {signal(advantages_of('shortest'), right):.2f}")
runs["shortest", 0] = train_with("shortest")
after["shortest", 0] = describe("shortest", runs["shortest", 0])
paid = metrics_of(runs["shortest", 0])["mean_reward"]
print(f"mean reward in training: {paid[:5].mean():.2f} at first, {paid[-5:].mean():.2f} at last")
for result in measured(runs["shortest", 0], held_out, k=1).results[:100:25]:
    print(f"{result.prompt.splitlines()[0]}\n    {result.texts[0]}")

# %% [markdown]
# The reward rose almost to 1, so by its own measure the run is a success. And hardly an answer is
# right. The model found the cheapest way to earn the reward: guess at once, and guess a short
# number. You asked for brevity, and got it. This is called **reward hacking**. Nobody cheated. You
# wrote down something else than you meant.
#
# Notice that the signal of 6.1 had warned you, before any training: it is negative.
#
# ## Exercise 6.3: brevity that is not hacked
#
# What you meant was: *right* answers, and those briefly. You have no labels, but you have the vote.
# So let agreement with the majority come first, and let brevity only choose among those who agree:
#
# - a completion that does not give the most frequent answer earns 0;
# - one that does earns $1 - \frac{1}{2} (\ell - \ell_{\min}) / (\ell_{\max} - \ell_{\min})$, where
#   $\ell$ is its length, and $\ell_{\min}$ and $\ell_{\max}$ are the least and the largest length
#   *in the whole group*. If all have the same length, it earns 1.
#
# If several answers are equally frequent, the one that came first counts. If nobody answered, all
# earn 0.


# %%
@exercise("6.3")
def brief_majority(lengths: np.ndarray, votes: np.ndarray) -> np.ndarray:
    """Returns the reward of each completion of a group, shape (n,).

    Args:
        lengths: The tokens of each completion, shape (n,).
        votes: The answer of each completion as a number, equal answers equal numbers; -1 where
            there is no answer, shape (n,).
    """
    raise NotImplementedError


# %%
register("brief_majority", brief_majority)
print(f"signal of `brief_majority`: {signal(advantages_of('brief_majority'), right):.2f}")
runs["brief_majority", 0] = train_with("brief_majority")
after["brief_majority", 0] = describe("brief_majority", runs["brief_majority", 0])

# %% [markdown]
# As right as with the plain majority. Those who guess may still be brief, but they hardly ever
# agree, so their brevity earns nothing. The vote holds the brevity in check.
#
# It is not shorter either, with us: on these questions a worked answer has little that it could
# leave out. A reward of two parts is not automatically safe. Whether the one part holds the other
# in check depends on what the model can do, so measure it.
#
# ## The picture
#
# Left: right answers on held-out questions after training, by reward; the dotted line is the
# untrained model, and the coin has three dots. Right: what `shortest` believed of itself, and what
# was true.

# %%
figure, (left, middle) = plt.subplots(1, 2, figsize=(11, 4))
names = [*REWARDS, "shortest", "brief_majority"]
for place, name in enumerate(names):
    dots = [score for (reward, _), score in after.items() if reward == name]
    left.plot(dots, [place] * len(dots), "o", color="tab:blue", markersize=8)
left.axvline(before, color="black", linestyle=":", label="before training")
left.set_yticks(range(len(names)), names)
left.invert_yaxis()
left.set(xlabel="mean@16, held-out questions, T 0.6, top-p 0.95", xlim=(0, 1))
left.legend(loc="lower left")
hacked = metrics_of(runs["shortest", 0])
for name, label in (("mean_reward", "mean reward"), ("ground_truth_ratio", "right answers")):
    smooth = np.convolve(hacked[name], np.ones(5) / 5, mode="valid")
    middle.plot(np.arange(5, 41), smooth, label=label)
middle.set(xlabel="step", ylim=(0, 1), title="training with `shortest`, T 1, top-p 1")
middle.legend()
save_picture(figure, "lesson_06")

# %% [markdown]
# The left panel has the idea of the figure in TTRL's paper that compares it with training on leaked
# labels ([2504.16084](https://arxiv.org/abs/2504.16084)), with controls that the paper does not
# have.
#
# ## Two questions to think about
#
# 1. A coin rewards nothing in particular. On average over coins, the gradient is zero. Why does the
#    model change at all, and why does it get *surer*?
# 2. A paper trains with a new reward without labels, on one model, with one seed, and reports a
#    gain of twelve points. Which runs do you ask the authors for?
#
# ## What to look at in a report
#
# Open `output/runs/majority-0/report.html` and `output/runs/random-0/report.html`. Both have a
# curve of the majority ratio and of the entropy, which need no label. Could you have told from
# these alone which run learned something? Look at the alarms of the coin's runs, too.
