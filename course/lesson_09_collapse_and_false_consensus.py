# %% [markdown]
# # Lesson 9: Collapse and false consensus
#
# *90 minutes of class, 1 minute of computing.*
#
# A model that learns from its own votes can become sure of a wrong answer. It then looks better
# than ever: the votes agree, the reward is high, the entropy is low. Nothing that it measures about
# itself says "wrong".
#
# This lesson shows you how that happens on one question, how it happens to a whole run, and what
# you can see of it without labels. In the end you write your own alarm, and it is scored on eight
# recorded runs.
#
# ## What you will see
#
# - one question on which the vote was right, and turned wrong for good,
# - a majority that was wrong from the start,
# - healthy runs and harmed ones, side by side,
# - two signs that need no label: flips, and settled answers that are left,
# - what difficulty has to do with it.

# %%
import gzip
import json
from collections import defaultdict
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np

from course_tools import exercise, save_picture
from course_tools.shared_runs import measured, trained
from course_tools.where import COURSE
from ttrl_agents.callbacks.collapse import find_alarms
from ttrl_benchmarks import load_benchmark

# %% [markdown]
# ## Eight recorded runs
#
# Training runs into a collapse takes a while, so it was done for you. `data/` holds eight runs
# of the tiny reasoner, 120 steps each, recorded by `data/record_runs.py`. Some have the default
# learning rate, others two, three or five times that. Which is which you will find out.
#
# Each file has the metrics of every step, and the three most frequent answers of every group with
# their votes. Apart from that, under `judged`, there are two series that were computed with labels.
# Only a judge may look at those.


# %%
def load_run(number: int) -> dict:
    """Returns a recorded run."""
    path = COURSE / "data" / f"run-{number}.json.gz"
    return json.loads(gzip.decompress(path.read_bytes()))


recorded = [load_run(number) for number in range(1, 9)]
questions = load_benchmark("arithmetic")
labels = {each.id: questions.labels.reveal(each.id) for each in questions.questions}


def visits(run: dict) -> dict[str, list]:
    """Returns what each question answered at each visit: [(step, [[answer, votes], …]), …]."""
    found = defaultdict(list)
    for step, question, answers in run["votes"]:
        found[question].append((step, answers))
    return found


print(
    "\n".join(
        f"{name:18} first {values[0]}, last {values[-1]}"
        for name, values in recorded[0]["metrics"].items()
    )
)

# %% [markdown]
# ## One question over time
#
# Take the first run. It is a healthy one: its learning rate is the default. Look for questions
# whose vote was right at some visit and is wrong at the last.


# %%
def story(run: dict, question: str) -> None:
    """Prints the votes on a question, visit by visit."""
    text = next(each.text for each in questions.questions if each.id == question)
    print(f"\n{text}\nlabel {labels[question]}")
    for step, answers in visits(run)[question]:
        tally = ", ".join(f"{votes} for {answer}" for answer, votes in answers)
        mark = "right" if answers and answers[0][0] == labels[question] else "wrong"
        print(f"  step {step:3}  {mark}   {tally}")


run = recorded[0]
turned = [
    question
    for question, seen in visits(run).items()
    if seen[-1][1][0][0] != labels[question]
    and any(answers[0][0] == labels[question] for _, answers in seen)
]
print(f"{len(turned)} questions turned from right to wrong: {', '.join(turned)}")
story(run, "train-0-L2-014")

# %% [markdown]
# Read it like this. At the first visit the right answer led by six votes to two. The wrong one is
# off by ten: a carry that was forgotten. Then the wrong one got ahead, by a little. From that visit
# on it was rewarded, and the right one was punished. At each visit the same happened again. In the
# end few right completions are left, so there is little to come back from.
#
# Why did the wrong one get ahead at all? Look at all questions that end wrong in this run.

# %%
for question, seen in visits(run).items():
    winner = seen[-1][1][0][0]
    if winner != labels[question]:
        print(f"{question}   label {labels[question]:>4}   elected {winner:>4}")

# %% [markdown]
# Four of the seven are ten too small. It is a habit. Where the vote elected such an answer, the
# habit was rewarded, and the run took it along to other questions. No single vote decided this.
#
# And here is a question of another kind.

# %%
story(run, "train-0-L2-006")

# %% [markdown]
# Here the majority was wrong *from the start*. From inside, this looks exactly like success: the
# votes agreed early, agreed more and more, and never changed. **No instrument without labels can
# tell the two apart.** Keep this in mind for the rest of the lesson.
#
# ## Eight runs at a glance
#
# Now let the judge speak. A run counts as **harmed** if mean@16, averaged over one pass of the
# questions, ends ten points or more under its highest.


# %%
def smooth(values, width: int = 13) -> np.ndarray:
    """Returns the moving mean over one pass of the questions; NaN where values are missing."""
    numbers = np.array([np.nan if value is None else value for value in values])
    return np.convolve(numbers, np.ones(width) / width, mode="valid")


def is_harmed(run: dict) -> bool:
    """Returns the verdict of the labels on a run."""
    mean = smooth(run["judged"]["mean@16"])
    return bool(mean[-1] <= mean.max() - 0.1)


print("run   mean@16, highest -> last   majority ratio, first -> last   harmed?")
for number, run in enumerate(recorded, 1):
    mean, ratio = smooth(run["judged"]["mean@16"]), smooth(run["metrics"]["majority_ratio"])
    print(
        f"{number:3}        {mean.max():.2f} -> {mean[-1]:.2f}                "
        f"{ratio[0]:.2f} -> {ratio[-1]:.2f}                 {'harmed' if is_harmed(run) else '-'}"
    )

# %% [markdown]
# Compare the columns. In every run the majority ratio rises. It ends as high in the harmed runs as
# in the healthy ones. The reward of TTRL *is* the majority ratio. So a curve of rewards, the curve
# that everybody looks at, hides the harm completely.
#
# ## Flips
#
# Where do you look, then? A healthy run makes up its mind. Once a question has an answer, it keeps
# it. A run that goes astray changes answers *again*, late. A question **flips** if its most
# frequent answer is another one than at its previous visit.
#
# ## Exercise 9.1: the flip rate
#
# You get the winners of several questions, one list for each, in the order of the visits. Count
# over all visits but the first of each question.


# %%
@exercise("9.1")
def flip_rate(winners: list[list[str]]) -> float:
    """Returns the share of visits whose winner is another than at the visit before.

    The first visit of a question does not count. If no question has a second one, it is NaN.

    Args:
        winners: For each question the most frequent answer at each visit, in order.
    """
    raise NotImplementedError


# %%
def winners_between(run: dict, first: int, last: int) -> list[list[str]]:
    """Returns the winners of each question at the visits between two steps."""
    return [
        [answers[0][0] for step, answers in seen if first <= step <= last and answers]
        for seen in visits(run).values()
    ]


print("run   flips, steps 1 to 60   flips, steps 61 to 120")
for number, run in enumerate(recorded, 1):
    early, late = (flip_rate(winners_between(run, *span)) for span in ((1, 60), (61, 120)))
    print(f"{number:3} {early:18.2f} {late:23.2f}   {'harmed' if is_harmed(run) else ''}")

# %% [markdown]
# ## Settled answers
#
# Flips have a weakness. While a model is still unsure, flips are healthy: votes that only scatter
# flip all the time. What should *not* change is an answer that the votes had settled on.
#
# Say a question **settles** at the first visit at which one answer has 14 or more of 16 votes. (If
# half of all completions gave that answer, this many would come up in 1 % of groups at most.) The
# **settled drift** is the share of questions whose winner is now another one than the one on which
# they settled.
#
# ## Exercise 9.2: the settled drift
#
# Questions that never settled count in the denominator, as questions that have not left anything.


# %%
@exercise("9.2")
def settled_drift(histories: list[list[tuple[str, int]]], enough: int = 14) -> float:
    """Returns the share of questions whose last winner is not the one on which they settled.

    Args:
        histories: For each question the winner and its votes at each visit, in order.
        enough: The votes that settle a question. It settles once, at the first such visit.
    """
    raise NotImplementedError


# %%
def histories_until(run: dict, last: int) -> list[list[tuple[str, int]]]:
    """Returns winner and votes of each question at each visit up to a step."""
    return [
        [(answers[0][0], answers[0][1]) for step, answers in seen if step <= last and answers]
        for seen in visits(run).values()
    ]


print("run   settled drift after 40, 60, 80, 100, 120 steps")
for number, run in enumerate(recorded, 1):
    drifts = [settled_drift(histories_until(run, step)) for step in (40, 60, 80, 100, 120)]
    print(
        f"{number:3}   {'  '.join(f'{each:.2f}' for each in drifts)}"
        f"   {'harmed' if is_harmed(run) else ''}"
    )

# %% [markdown]
# This separates them. Note what it took: remembering, for each question, what the run itself once
# was sure of. No label is in it.
#
# The trainer measures the same at every step, over the eight questions of that step. It is in the
# recorded metrics under `settled_drift`, noisier than your table.
#
# ## Exercise 9.3: your own alarm
#
# Now write an alarm. It gets the metrics of a run up to some step, and says whether the run looks
# as if it went astray. It is called after every step, from the 20th on. It sees no label and no
# later step.
#
# You may use: `majority_ratio`, `flip_rate`, `drift_rate`, `settled_drift`, `distinct_winners`,
# `entropy`, `kl_start` (how far the policy has moved from the initial one, every five steps; `NaN`
# in between), `completion_tokens`, `truncated`. Each is an array with one number for each step.
#
# The check runs it over all eight recordings. It has to raise an alarm in at least three of the
# four harmed runs, and in none of the four others. Some advice:
#
# - single steps are noisy; take a mean over the last ten (`np.nanmean(values[-10:])`);
# - compare a run with *itself*, its start or its best, not with a constant from another run;
# - try a rule on paper with the tables above before you write it.


# %%
@exercise("9.3")
def goes_astray(metrics: dict[str, np.ndarray]) -> bool:
    """Returns whether a run looks as if it went astray, from its steps so far.

    Args:
        metrics: The metrics by name, each an array with one number for each step; NaN where nothing
            was measured.
    """
    raise NotImplementedError


# %%
def first_alarm(run: dict) -> int | None:
    """Returns the step of your first alarm on a run."""
    arrays = {name: np.array(values, dtype=float) for name, values in run["metrics"].items()}
    for step in range(20, 121):
        if goes_astray({name: values[:step] for name, values in arrays.items()}):
            return step
    return None


def trainers_alarm(run: dict) -> str:
    """Returns the first alarm of the trainer itself."""
    names = list(run["metrics"])
    rows = [
        dict(zip(names, row, strict=True)) for row in zip(*run["metrics"].values(), strict=True)
    ]
    alarms = find_alarms([{k: v for k, v in row.items() if v is not None} for row in rows])
    return f"{alarms[0].step}, {alarms[0].kind}" if alarms else "-"


print("run   your alarm   the trainer's   learning rate")
for number, run in enumerate(recorded, 1):
    rate = run["options"]["learning_rate"] / 2e-4
    print(
        f"{number:3} {first_alarm(run) or '-':>12}   {trainers_alarm(run):13}   "
        f"{rate:.0f} x default   {'harmed' if is_harmed(run) else ''}"
    )

# %% [markdown]
# So this was the secret: the harmed runs took too large steps. The alarms of the trainer are made
# of the same parts as yours ([collapse](../docs/collapse.md)). Yours was made on these eight runs
# and tried on the same eight. How good it is on others, you do not know. (Lesson 7 told you why.)
#
# ## Difficulty
#
# TTRL's paper trains one model on each of the five difficulty levels of MATH-500 alone (its Table
# 3, [2504.16084](https://arxiv.org/abs/2504.16084)). On the easiest three levels it gains 40 points
# or more, on the fourth 26, on the hardest 17. Does the tiny reasoner show the same? Train it on
# level 1, 3 or 5 alone, 30 steps each, and measure on held-out questions of that level.

# %%
levels = (1, 3, 5)
alone = {
    level: trained(
        f"level-{level}",
        env_options={"level": level},
        steps=30,
        evaluate=False,
    )
    for level in levels
}
print("\nheld-out questions of the same level, T 0.6, top-p 0.95")
before_after = {}
for level in levels:
    asked = load_benchmark("arithmetic", split="held_out", level=level, size=40)
    before, after = measured("tiny", asked), measured(alone[level], asked)
    before_after[level] = float(before.correct.mean()), float(after.correct.mean())
    print(
        f"level {level}   mean@16 {before_after[level][0]:.2f} -> {before_after[level][1]:.2f}"
        f"   maj@16 before {before.majority_correct.mean():.2f}"
        f"   tokens {before.mean_tokens:.0f} -> {after.mean_tokens:.0f}"
    )

# %% [markdown]
# Hardly. The gain is about the same on all three levels, although a question of level 5 takes five
# steps. Look at the column of maj@16: before training the vote is right on most questions of
# *every* level. On the hardest questions of MATH-500, and on AIME, it is wrong on most. What limits
# TTRL is not how hard a question is, but whether the vote on it is right.
#
# ## The picture
#
# Top row: what needs no label. Bottom row: what only the judge sees. Grey runs are healthy, red
# ones harmed. On the right, the votes on two questions of run 1: blue the share of the right
# answer, orange that of the winner.

# %%
figure, axes = plt.subplots(2, 3, figsize=(13, 6.5))
panels = (
    (axes[0, 0], "majority ratio", lambda run: run["metrics"]["majority_ratio"]),
    (axes[1, 0], "mean@16 (needs labels)", lambda run: run["judged"]["mean@16"]),
    (axes[1, 1], "right pseudo-labels (needs labels)", lambda run: run["judged"]["label_accuracy"]),
)
for panel, title, series in panels:
    for run in recorded:
        colour = "tab:red" if is_harmed(run) else "0.5"
        panel.plot(np.arange(13, 121), smooth(series(run)), color=colour, linewidth=1.2)
    panel.set(title=title, ylim=(0, 1.02), xlabel="step")
steps = np.arange(20, 121, 5)
for run in recorded:
    colour = "tab:red" if is_harmed(run) else "0.5"
    drifts = [settled_drift(histories_until(run, step)) for step in steps]
    axes[0, 1].plot(steps, drifts, color=colour, linewidth=1.2)
axes[0, 1].set(title="settled drift", ylim=(0, 1.02), xlabel="step")
for panel, question in zip(axes[:, 2], ("train-0-L2-014", "train-0-L2-006"), strict=True):
    seen = visits(recorded[0])[question]
    shares = [dict(answers).get(labels[question], 0) / 16 for _, answers in seen]
    winners = [answers[0][1] / 16 for _, answers in seen]
    when = [step for step, _ in seen]
    panel.plot(when, winners, color="tab:orange", marker="o", label="the winner")
    panel.plot(when, shares, color="tab:blue", marker="o", label="the right answer")
    panel.set(title=f"votes on {question}", ylim=(0, 1.02), xlabel="step")
    panel.legend(fontsize=8)
save_picture(figure, "lesson_09")

# %% [markdown]
# ## Two questions to think about
#
# 1. Suppose all questions are new: none is ever asked twice. Which of your signs are left?
# 2. The trainer can stop at an alarm and go back to the best checkpoint before it, "best" being
#    measured without labels. A collapse raises the majority ratio. What has to be done so that the
#    collapsed checkpoint does not win?
#
# ## What to look at in a report
#
# Open `output/runs/level-5/report.html` and find "Votes over time". A row is a question, a box a
# visit. A row that is red from some box on has hardened on a wrong answer. Then make a run collapse
# yourself: `ttrl train --learning-rate 1e-3 --schedule constant --steps 120`, and see when the
# first alarm comes. With `--on-collapse stop` it ends there.
