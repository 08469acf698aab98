# %% [markdown]
# # Lesson 2: Many votes
#
# *75 minutes of class, 20 seconds of computing.*
#
# Ask a model once, and it may be wrong. Ask it sixty-four times, and let its answers vote. The vote
# is often right where a single answer is not. TTRL uses this difference: it treats the winner
# of the vote as if it were the true answer, and trains the model on it.
#
# ## What you will see
#
# - how votes are counted, and how they become rewards,
# - how much a vote of $n$ helps, and where it does not,
# - how to estimate, without bias, how often at least one of $k$ answers is right,
# - that most rewards can be right even where the vote is wrong.
#
# Nothing is trained in this lesson.

# %%
from collections import Counter
from math import comb

import matplotlib.pyplot as plt
import numpy as np
import torch

from course_tools import exercise, save_picture
from ttrl_agents.evaluate import evaluate
from ttrl_agents.policy import load_policy
from ttrl_agents.samplers import SamplingParams, TransformersSampler
from ttrl_benchmarks.arithmetic import load
from ttrl_env.consensus import Majority, hold_vote

torch.set_num_threads(1)
benchmark = load("train", size=100)
sampler = TransformersSampler(load_policy("tiny"))
params = SamplingParams(max_tokens=256, temperature=0.6, top_p=0.95)  # as the paper measures

VOTES = 64
evaluation = evaluate(sampler, benchmark, k=VOTES, params=params, seed=0)
print(f"{len(evaluation.results)} questions, {VOTES} completions of each")

# %% [markdown]
# "top-p 0.95" means: at each step, draw only from the likeliest tokens that together have
# probability 0.95.
#
# ## A ballot
#
# Here is how often each answer was given to one question. The answer is found in the text and
# brought to one form: `37`, `37.0` and `\frac{74}{2}` are the same vote. A completion without an
# answer has `None`.

# %%
result = evaluation.results[42]
print(result.prompt)
for answer, count in Counter(result.keys).most_common():
    print(f"{answer!s:>6} {'█' * count} {count}")
print("the true answer:", benchmark.labels.reveal(result.question_id))

# %% [markdown]
# Only a minority got it right. But the wrong answers do not agree with each other: a guess can land
# anywhere. So the right answer still has the most votes.
#
# ## Exercise 2.1: from votes to rewards
#
# TTRL gives a completion the reward 1 if its answer is the most frequent one, and 0 otherwise.
# Three rules:
#
# - `None` is not an answer. It never wins and earns 0, even if it is the most frequent entry.
# - If two answers tie, the one that appeared first wins.
# - If there is no answer at all, every reward is 0.


# %%
@exercise("2.1")
def majority_rewards(answers: list[str | None]) -> np.ndarray:
    """Returns the reward of each completion, 1.0 or 0.0, shape (n,).

    Args:
        answers: The answer of each completion, or None where it has none.
    """
    raise NotImplementedError


# %% [markdown]
# The package does the same. `hold_vote` finds and counts the answers, and `Majority` makes rewards
# of them.

# %%
agree = 0
for question, each in zip(benchmark.questions, evaluation.results, strict=True):
    verdict = Majority()(hold_vote(each.texts, question, benchmark))
    agree += np.array_equal(verdict.rewards, majority_rewards(list(each.keys)))
print(f"the package's rewards are yours on {agree} of {len(evaluation.results)} questions")

# %% [markdown]
# ## How much does a vote help?
#
# In 1785 Condorcet asked this about juries. Let each of $n$ voters be right with probability $p$,
# independently, with only two verdicts to choose from. The majority is right with probability
#
# $$P_n = \sum_{i > n/2} \binom{n}{i}\, p^i\, (1 - p)^{n - i}$$
#
# If $p > \frac12$, this goes to 1 as $n$ grows. If $p < \frac12$, it goes to 0: a large jury of bad
# judges is surely wrong.
#
# A model has more than two answers to choose from. Then the right answer need not have half of the
# votes. It must only have more than each *single* wrong answer.

# %%
rng = np.random.default_rng(0)


def share_of_right_votes(p_right: float, wrong_answers: int, n: int, repeats: int = 4000) -> float:
    """Returns how often the right answer wins; the wrong ones are all equally likely."""
    wrong = np.full(wrong_answers, (1 - p_right) / wrong_answers)
    counts = rng.multinomial(n, [p_right, *wrong], size=repeats)
    return float((counts[:, 0] > counts[:, 1:].max(axis=1)).mean())


print("votes   right 60 %, 1 wrong answer   right 40 %, 1 wrong   right 40 %, 10 wrong")
for n in (1, 3, 9, 27, 81):
    shares = [share_of_right_votes(*each, n) for each in ((0.6, 1), (0.4, 1), (0.4, 10))]
    print(f"{n:5} {shares[0]:27.2f} {shares[1]:21.2f} {shares[2]:22.2f}")

# %% [markdown]
# Now with our model. **maj@n** is the share of questions whose vote of $n$ is right. To measure it,
# draw $n$ of the 64 completions of a question at random, let them vote, and repeat.


# %%
def maj_at(n: int, repeats: int = 30) -> float:
    """Returns maj@n, averaged over questions and random ballots."""
    rng, right = np.random.default_rng(n), []
    for each in evaluation.results:
        for _ in range(repeats):
            ballot = rng.choice(VOTES, size=n, replace=False)
            rewards = majority_rewards([each.keys[i] for i in ballot])
            winners = ballot[rewards > 0]
            right.append(len(winners) > 0 and each.correct[winners[0]])
    return float(np.mean(right))


sizes = [1, 2, 4, 8, 16, 32, 64]
maj = [maj_at(n) for n in sizes]
for n, score in zip(sizes, maj, strict=True):
    print(f"maj@{n:<2} {score:.3f}")

# %% [markdown]
# A single completion is right in a third of the cases. A vote of 64 is right in nine of ten. Nobody
# told the model anything.
#
# ## Exercise 2.2: pass@k without cheating
#
# How far could training go? A first idea: as far as the model gets it right *at least once*.
# **pass@k** is the chance that at least one of $k$ completions is right.
#
# You have $n$ completions of a question, and $c$ of them are right. The obvious estimate is
# $1 - (1 - c/n)^k$. But it is too small on average. An unbiased estimate asks: if you draw $k$ of
# the $n$ *without* putting them back, how likely is it that all $k$ are wrong?
#
# $$\text{pass@}k = 1 - \binom{n - c}{k} \Big/ \binom{n}{k}$$
#
# `comb(a, b)` is the number of ways to choose $b$ of $a$. It is 0 if $b > a$.


# %%
@exercise("2.2")
def pass_at_k(n: int, c: int, k: int) -> float:
    """Returns the unbiased estimate of pass@k.

    Args:
        n: The number of completions.
        c: How many of them are right.
        k: How many are drawn, from 1 to n.
    """
    raise NotImplementedError


# %%
rights = evaluation.correct.sum(axis=1)  # right completions of each question
passes = [float(np.mean([pass_at_k(VOTES, int(c), n) for c in rights])) for n in sizes]
print("k       unbiased   1 - (1 - c/n)^k with n = 8 completions, on average")
for k in (2, 4, 8):
    few = []
    for row in evaluation.correct:
        samples = np.random.default_rng(0).permuted(np.tile(row, (200, 1)), axis=1)[:, :8]
        few.append(np.mean(1 - (1 - samples.mean(axis=1)) ** k))
    print(f"pass@{k}  {passes[sizes.index(k)]:8.3f}   {np.mean(few):.3f}")

# %% [markdown]
# ## Exercise 2.3: the lucky hit
#
# A vote can be wrong. Is training on it then hopeless? Not quite. Look at the rewards instead of
# the vote. A reward is *right* if it is what the true answer would have given:
#
# - the completion agrees with the vote, and is right: reward 1, as it should be;
# - it disagrees with the vote, and is wrong: reward 0, **as it should be**.
#
# The share of right rewards is called **reward accuracy**. The authors of TTRL found that it is
# often high where votes are wrong. They call it a "lucky hit". Build one.


# %%
@exercise("2.3")
def lucky_hit() -> tuple[list[str], str]:
    """Returns a ballot whose vote is wrong, although at least 80 % of its rewards are right.

    Returns:
        Exactly ten answers, e.g. `["5", "7", …]`, and the true answer, e.g. `"5"`.
    """
    raise NotImplementedError


# %% [markdown]
# Does it happen with our model? Make it worse by raising the temperature, and let 16 vote.

# %%
print("  T   completion right   vote right   rewards right   the same where the vote is wrong")
for temperature in (0.6, 1.0, 1.5, 2.0):
    hot = SamplingParams(max_tokens=256, temperature=temperature)
    results = evaluate(sampler, benchmark, k=16, params=hot, seed=0).results
    mean = np.mean([each.correct for each in results])
    right = np.array([each.majority_correct for each in results])
    accuracy = np.array(
        [np.mean(majority_rewards(list(each.keys)) == np.array(each.correct)) for each in results]
    )
    print(
        f"{temperature:3} {mean:18.2f} {right.mean():12.2f} {accuracy.mean():15.2f} "
        f"{accuracy[~right].mean():34.2f}"
    )

# %% [markdown]
# At temperature 1.5 only a third of the votes is right, but far more than half of the rewards. The
# answers are so scattered that most completions are wrong and lose. Losing is what they deserve.
#
# But do not trust this number too far. A reward of 0 for everybody would do almost as well.
#
# ## The picture
#
# On the left: what a vote of $n$ gives, between a single completion and "at least one is right". On
# the right: each dot is a question. Its vote is right if the true answer is more frequent than the
# strongest wrong one, that is, above the line.

# %%
figure, (left, right_axes) = plt.subplots(1, 2, figsize=(10, 4.4))
left.plot(sizes, passes, "^-", color="tab:green", label="pass@n: one of n is right")
left.plot(sizes, maj, "o-", color="tab:blue", label="maj@n: the vote of n is right")
left.axhline(evaluation.correct.mean(), color="tab:gray", linestyle="--", label="one completion")
left.set_xscale("log", base=2)
left.set_xticks(sizes, [str(n) for n in sizes])
left.set(xlabel="n", ylabel="share of questions", ylim=(0, 1.02))
left.set_title("before training, T 0.6, top-p 0.95")
left.legend(loc="lower right")

for each in evaluation.results:
    wrong = Counter(
        key for key, ok in zip(each.keys, each.correct, strict=True) if key is not None and not ok
    )
    strongest = max(wrong.values(), default=0) / VOTES
    colour = "tab:blue" if each.majority_correct else "tab:red"
    right_axes.plot(strongest, np.mean(each.correct), "o", color=colour, alpha=0.6)
right_axes.plot([0, 1], [0, 1], color="black", linewidth=1)
right_axes.set(xlabel="share of the strongest wrong answer", ylabel="share of the true answer")
right_axes.set(xlim=(0, 1), ylim=(0, 1))
right_axes.set_title("100 questions: blue, the vote is right; red, wrong")
save_picture(figure, "lesson_02")

# %% [markdown]
# The gap between the gray line and the blue one is what TTRL can learn: be right alone as often as
# the vote is now. The red dots are the danger: there it will learn something wrong.
#
# ## Two questions to think about
#
# 1. Twenty questions are below the line, far to the left. Twenty others are below the line, far to
#    the right. Which do you fear more when you train on the votes, and why?
# 2. maj@n flattens out, while pass@n still grows. What kind of question is in between? Can a vote
#    ever find its answer? Can training on the vote?
#
# ## What to look at in the report
#
# Open the report of lesson 1 again (`runs/lesson-1/report.html`), or make it with
# `ttrl eval tiny --output runs/lesson-1`. Filter the questions: first those whose votes disagree,
# then those that are confidently wrong. How do the tallies of the two kinds differ? In a terminal,
# `ttrl grade 37 37.0` shows why two answers are one vote.
