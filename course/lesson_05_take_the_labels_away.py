# %% [markdown]
# # Lesson 5: Take the labels away
#
# *90 minutes of class, 60 seconds of computing.*
#
# In lesson 4 the model learned from labels. In lesson 2 you saw that the vote of many completions
# is often right. Put the two together: let the *vote* be the label. This is **TTRL**, test-time
# reinforcement learning ([arXiv 2504.16084](https://arxiv.org/abs/2504.16084)). The model learns on
# the very questions that it is tested on, and nobody tells it a single answer.
#
# ## What you will see
#
# - that one line changes from lesson 4 to TTRL,
# - that the model passes its own first vote,
# - which votes turn, and that some turn from right to wrong,
# - how to read the report of a run.

# %%
import json
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np
import torch

from course_tools import exercise, save_picture
from course_tools.runs import Progress, run_folder
from ttrl_agents.callbacks import ReportCallback
from ttrl_agents.config import TrainConfig
from ttrl_agents.evaluate import evaluate
from ttrl_agents.policy import load_policy
from ttrl_agents.run.votes import read_votes
from ttrl_agents.samplers import SamplingParams, TransformersSampler
from ttrl_agents.trainer import Trainer
from ttrl_benchmarks.arithmetic import load
from ttrl_env.consensus import (
    REWARDS,
    Ballot,
    Verdict,
    register_estimator,
    unregister_estimator,
)

torch.set_num_threads(1)

# %% [markdown]
# ## One line
#
# In lesson 4 you wrote `reward="oracle"`. With `reward="majority"` the same loop is TTRL. That is
# the whole difference. So let us look at what is behind this word, and write it ourselves.
#
# A reward in `ttrl_env` is a function. It gets a **ballot**: the votes of one group. It returns a
# **verdict**: a reward for each completion. A ballot holds no label, so no such function can cheat.
#
# ## Exercise 5.1: the vote as the label
#
# The parts of a `Ballot` that you need:
#
# - `ballot.most_frequent()` is the list of the classes with the most votes. A *class* is a number
#   for an answer. The list has several entries in a tie, the class that appeared first in front. It
#   is empty if no completion gave an answer.
# - `ballot.agreement(c)` is 1.0 for each completion whose answer is of class `c`, and else 0.0.
#
# Return `Verdict(rewards, pseudo_label=c)`, where `c` is the winning class. If there is no answer
# at all, return `Verdict.abstaining(ballot)`: the group teaches nothing.


# %%
@exercise("5.1")
def my_majority(ballot: Ballot) -> Verdict:
    """Returns reward 1 for the completions that agree with the most frequent answer, else 0."""
    raise NotImplementedError


# %% [markdown]
# Now it has a name, and any run can use it. In the words of the paper, the winning answer is the
# **pseudo-label**.

# %%
if "mine" in REWARDS:  # this cell was run before
    unregister_estimator("mine")
register_estimator("mine", lambda: my_majority, summary="the vote as the label")

# %% [markdown]
# ## Before training
#
# Ask every question 16 times. These are the votes that training begins with.

# %%
benchmark = load("train", size=100)
sampler = TransformersSampler(load_policy("tiny"))
params = SamplingParams(max_tokens=256, temperature=0.6, top_p=0.95)
before = evaluate(sampler, benchmark, k=16, params=params, seed=0)
for name, interval in before.metrics.items():
    print(f"{name:8} {interval}")

# %% [markdown]
# The numbers in brackets are 95 % intervals.
#
# ## Exercise 5.2: which votes will turn?
#
# Make a prediction *before* you train. Some votes are clear: the winner is far ahead. Others are
# shaky: a few votes more or less, and another answer wins. Training will amplify what wins, so
# shaky votes are where things can go either way.
#
# Write a function that says whether a vote is shaky: the winner has at most `margin` votes more
# than the second. If there is only one answer, the second has 0 votes. If there is no answer, the
# vote is shaky. Remember that `None` is not an answer.


# %%
@exercise("5.2")
def is_shaky(answers: list[str | None], margin: int) -> bool:
    """Returns whether the winner leads by at most `margin` votes.

    Args:
        answers: The answer of each completion, or None where it has none.
        margin: The largest lead that still counts as shaky.
    """
    raise NotImplementedError


# %%
shaky = {each.question_id: is_shaky(list(each.keys), margin=2) for each in before.results}
wrong = {each.question_id: not each.majority_correct for each in before.results}
print(f"{sum(shaky.values())} of {len(shaky)} votes are shaky; ", end="")
print(f"{sum(wrong[name] for name in shaky if shaky[name])} of them are wrong now")
print(f"the other {len(shaky) - sum(shaky.values())} are clear; ", end="")
print(f"{sum(wrong[name] for name in shaky if not shaky[name])} of them are wrong now")

# %% [markdown]
# ## Training, without a label
#
# `Trainer` is the loop of lesson 4, with checkpoints, logs and a report. It measures before and
# after, with labels. But nothing that it *learns from* has seen one.

# %%
folder = run_folder("lesson_05")
config = TrainConfig(
    model="tiny", reward="mine", steps=60, seed=0, eval_temperatures=(0.6, 0.0), output=folder
)
summary = Trainer(config, [Progress(every=10), ReportCallback()]).run()

for split in ("train", "held_out"):
    for name in ("mean@16", "maj@16", "pass@16"):
        first, last = (summary[moment][split][name] for moment in ("before", "after"))
        print(f"{split:8} {name:8} {first:.3f} -> {last:.3f}   (T 0.6, top-p 0.95)")

# %% [markdown]
# Compare mean@16 after training with maj@16 before. A single completion is now right more often
# than the vote of sixteen was. The model passed its own teacher. (At temperature 0.6, that is. At
# temperature 1, in the picture below, it comes close. Lesson 7 says why you should always ask.)
#
# How can that be? Each step the *improved* model votes again. Right answers become more frequent,
# so votes become better, so rewards become better. This is called **self-training**. It works in
# the other direction as well: lesson 9.
#
# ## Were you right about the turned votes?

# %%
after = evaluate(
    TransformersSampler(load_policy(str(folder))), benchmark, k=16, params=params, seed=0
)
table: Counter[tuple[bool, str]] = Counter()
for first, last in zip(before.results, after.results, strict=True):
    words = {True: "right", False: "wrong"}
    change = f"{words[bool(first.majority_correct)]} -> {words[bool(last.majority_correct)]}"
    table[shaky[first.question_id], change] += 1
print(f"{'vote before -> after':22} shaky  clear")
for change in ("wrong -> right", "right -> wrong", "right -> right", "wrong -> wrong"):
    print(f"{change:22} {table[True, change]:5} {table[False, change]:6}")

# %% [markdown]
# Most votes that turned were shaky, and most of them turned to the right. But some turned from
# right to wrong. Without labels, nobody would have told you.
#
# ## Exercise 5.3: votes over time
#
# Each question was visited several times. The run noted every vote in `votes.jsonl`. A **flip** is
# a visit whose winner is another than at the visit before. Flips need no label: you can watch them
# where you have none.
#
# Count the flips of one question. A visit without any answer has the winner `None`. Skip it, as if
# it had not happened.


# %%
@exercise("5.3")
def count_flips(winners: list[str | None]) -> int:
    """Returns how often the winner changed from one visit to the next.

    Args:
        winners: The winning answer of each visit, in order, or None where nobody answered.
    """
    raise NotImplementedError


# %%
votes = read_votes(folder)
visits: dict[str, list] = {}
for group in votes:
    visits.setdefault(group.question_id, []).append(group)


def winner_of(group) -> str | None:
    """Returns the winning answer of a visit."""
    return None if group.majority is None else group.answers[group.majority].key


flips = {name: count_flips([winner_of(each) for each in seen]) for name, seen in visits.items()}
counted = sum(bool(group.flip) for group in votes)  # by the run itself
print(f"{len(votes)} votes on {len(visits)} questions, {sum(flips.values())} flips ({counted})")
print(f"{sum(count == 0 for count in flips.values())} questions never flipped")

# %% [markdown]
# ## The picture
#
# - On the left, the paper's Figure 5: single completions, and the vote. The dashed line is the vote
#   before training. Each point is 8 questions, so the curves are smoothed.
# - In the middle, the paper's Figure 8: agreement, and how often vote and rewards are right. You
#   can draw the agreement without labels. The other two need them.
# - On the right: a row is a question, a box is a visit. Blue: the vote was right. Red: it was
#   wrong. The darker, the more agreement. A dot is a flip.

# %%
with (folder / "metrics.jsonl").open() as lines:
    metrics = [json.loads(line) for line in lines]


def smooth(name: str, width: int = 8) -> np.ndarray:
    """Returns the moving mean of a metric over some steps."""
    values = np.array([each[name] for each in metrics])
    sums = np.cumsum(np.insert(values, 0, 0.0))
    starts = np.maximum(np.arange(len(values)) + 1 - width, 0)
    ends = np.arange(len(values)) + 1
    return (sums[ends] - sums[starts]) / (ends - starts)


figure, (left, middle, right) = plt.subplots(
    1, 3, figsize=(13, 4.6), width_ratios=[1, 1, 0.8], layout="constrained"
)
steps = np.arange(1, len(metrics) + 1)
left.plot(steps, smooth("ground_truth_ratio"), label="one completion (mean@16)")
left.plot(steps, smooth("majority_accuracy"), label="the vote (maj@16)")
left.axhline(smooth("majority_accuracy")[7], color="gray", linestyle="--", label="the first votes")
left.set(xlabel="step", ylabel="right", ylim=(0, 1.02))
left.set_title("in training, T 1, top-p 1")
left.legend(loc="lower right")

for name, words in (
    ("majority_ratio", "agreement (majority ratio)"),
    ("label_accuracy", "the vote is right"),
    ("reward_accuracy", "rewards are right"),
):
    middle.plot(steps, smooth(name), label=words)
middle.set(xlabel="step", ylim=(0, 1.02))
middle.legend(loc="lower right")

ordered = sorted(visits.values(), key=lambda seen: [group.label_accuracy for group in seen][::-1])
for row, seen in enumerate(ordered):
    for column, group in enumerate(seen):
        colour = "tab:blue" if group.label_accuracy else "tab:red"
        right.barh(row, 1, left=column, height=1, color=colour, alpha=group.majority_ratio)
        if group.flip:
            right.plot(column + 0.5, row, ".", color="black", markersize=3)
right.set(xlabel="visit", ylabel="question", ylim=(-0.5, len(ordered) - 0.5))
right.grid(visible=False)
save_picture(figure, "lesson_05")

# %% [markdown]
# ## Two questions to think about
#
# 1. The first votes are right for four questions of five. Why does TTRL not simply learn the wrong
#    fifth by heart, and end where the first vote was? Look at the red rows in the picture, and
#    think of what the model shares between questions.
# 2. You train on the test questions. Is that cheating? What would be? And what does the held-out
#    result say about it?
#
# ## What to look at in the report
#
# Your run wrote `course/output/lesson_05/report.html`. Open it in a browser, and find:
#
# - the **verdict**, at the top: which sentences would you put in a paper?
# - in the **curves**, which ones need labels. Cover them with your hand: would you still know that
#   the run went well?
# - in **votes over time**, a row that ends in red. Click a box, and read what the completions have
#   in common.
# - among the **questions**, the filter for votes that went from right to wrong.
