# %% [markdown]
# # Lesson 7: Did it help?
#
# *75 minutes of class, 90 seconds of computing.*
#
# A run ends, and a number is higher than before. Did the training do it, or chance? Would it be
# higher on other questions too? And is it the number that you care about?
#
# Not every published result survives these three questions. This lesson gives you the tools, and
# one table that deceives.
#
# ## What you will see
#
# - how far a score may be off, from the questions alone,
# - why two models are compared question by question,
# - how many questions it takes to see five points,
# - that a model can gain twenty points and learn nothing,
# - what training does to the vote and to the best of $n$.

# %%
import math

import matplotlib.pyplot as plt
import numpy as np

from course_tools import exercise, save_picture
from course_tools.shared_runs import measured, trained
from ttrl_agents.evaluate import Evaluation, EvaluationFolder, pass_at_k
from ttrl_benchmarks import load_benchmark

# %% [markdown]
# ## Two runs
#
# You need something to judge. Here are two runs of TTRL, 40 steps each, without labels. They differ
# in the model only:
#
# - `tiny`, which can work problems out but mostly guesses;
# - `tiny-noisy`, an older model, which always works problems out, and slips now and then.
#
# Both runs measure 100 trained and 100 held-out questions before and after, 16 completions each, at
# three temperatures. Only these measurements look at labels. (If you have done lesson 6, the first
# run is there already.)

# %%
runs = {
    "tiny": trained("majority", steps=40),
    "tiny-noisy": trained("noisy", model="tiny-noisy", steps=40),
}


def read(model: str, moment: str, split: str = "held_out", setting: str = "") -> Evaluation:
    """Returns a measurement of a run; by default that at T 0.6, top-p 0.95."""
    return EvaluationFolder(runs[model] / "evaluations" / moment / setting / split).read()


before, after = read("tiny", "before"), read("tiny", "after")
print("tiny, held-out questions, T 0.6, top-p 0.95")
print(f"mean@16  {before.correct.mean():.3f} -> {after.correct.mean():.3f}")
print(f"maj@16   {before.majority_correct.mean():.3f} -> {after.majority_correct.mean():.3f}")

# %% [markdown]
# ## How far may a score be off?
#
# You asked 100 questions. Another 100 of the same kind would have given another score. How
# different would it be? You cannot ask all questions there are. But you can play the following
# game, the **bootstrap**: draw 100 questions from your 100, *with replacement*. Some come twice,
# some not at all. Take the mean of this sample. Repeat 2,000 times. The middle 95 % of these means
# are a **95 % interval**.
#
# Draw questions, not completions! The 16 completions of one question are alike: an easy question is
# easy 16 times. They are not 16 independent pieces of evidence.
#
# ## Exercise 7.1: an interval by hand
#
# The draws are given, so that the check can compare: `draws[i]` holds the places of the questions
# in the $i$-th sample. A hint: `scores[draws]` has one row for each sample. `np.percentile` does
# the rest: the middle 95 % lie between the percentiles 2.5 and 97.5.


# %%
@exercise("7.1")
def interval(scores: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Returns the lower and the upper end of the 95 % interval of the mean, shape (2,).

    Args:
        scores: The score of each question, shape (questions,).
        draws: The places of the questions of each sample, shape (samples, questions).
    """
    raise NotImplementedError


# %%
draws = np.random.default_rng(0).integers(100, size=(2_000, 100))


def show(name: str, scores: np.ndarray) -> None:
    """Prints a mean with its interval."""
    low, high = interval(scores, draws)
    print(f"{name:34} {scores.mean():6.3f}   [{low:6.3f}, {high:6.3f}]")


mean_before, mean_after = before.correct.mean(axis=1), after.correct.mean(axis=1)
vote_before = before.majority_correct.astype(float)
vote_after = after.majority_correct.astype(float)
show("mean@16 before", mean_before)
show("mean@16 after", mean_after)
show("maj@16 before", vote_before)
show("maj@16 after", vote_after)

# %% [markdown]
# The gain in mean@16 is far beyond doubt. The gain in maj@16 is not obvious: the two intervals
# meet.
#
# ## Pair the questions
#
# But overlapping intervals do *not* say that nothing changed. Most of their width comes from the
# questions: some are hard, some are easy. They were hard and easy for both models! Take the
# difference on each question first. Then the hardness cancels.

# %%
show("gain in mean@16, paired", mean_after - mean_before)
show("gain in maj@16, paired", vote_after - vote_before)
others = np.random.default_rng(1).integers(100, size=draws.shape)
unpaired = vote_after[draws].mean(axis=1) - vote_before[others].mean(axis=1)
low, high = np.percentile(unpaired, [2.5, 97.5])
print(f"{'gain in maj@16, as if unpaired':34}          [{low:6.3f}, {high:6.3f}]")

# %% [markdown]
# ## A test
#
# How often would chance alone give such a gain? Suppose both models are equally good. On questions
# where their votes differ, each of them is then as likely to be the right one. So the number of
# wins is that of heads in as many throws of a coin. Questions on which both are right, or both
# wrong, say nothing.
#
# The **p-value** is the chance of a split at least as uneven as yours, in either direction:
#
# $$p = \min\Big(1,\; 2 \sum_{i = 0}^{\min(w, l)} \binom{w + l}{i}\, 2^{-(w + l)}\Big)$$
#
# with $w$ wins and $l$ losses. This is the exact test of McNemar, from 1947. It needs one line.
#
# ## Exercise 7.2: the test
#
# A hint: `math.comb(n, i)`. And think of $w = l$: there $p$ must be 1.


# %%
@exercise("7.2")
def p_value(wins: int, losses: int) -> float:
    """Returns the two-sided p-value of the exact test of McNemar.

    Args:
        wins: Questions that the second model has right and the first one wrong.
        losses: Questions that the first model has right and the second one wrong.
    """
    raise NotImplementedError


# %%
def test_votes(name: str, first: Evaluation, second: Evaluation) -> None:
    """Prints wins, losses and p-value of two measurements of the same questions."""
    change = second.majority_correct.astype(int) - first.majority_correct.astype(int)
    wins, losses = int((change > 0).sum()), int((change < 0).sum())
    print(f"{name}: {wins} wins, {losses} losses, p = {p_value(wins, losses):.3f}")


test_votes("maj@16 on held-out questions", before, after)
trained_questions = read("tiny", "before", "train"), read("tiny", "after", "train")
test_votes("maj@16 on trained questions ", *trained_questions)

# %% [markdown]
# Does the test give false alarms? Measure the *same* untrained model twice, with another seed.
# Nothing differs but chance.

# %%
held_out = load_benchmark("arithmetic", split="held_out")
again = measured("tiny", held_out, seed=1)
test_votes("the same model twice        ", before, again)
show("'gain' in maj@16 of the same model", again.majority_correct.astype(float) - vote_before)

# %% [markdown]
# Look how many votes turned although nothing was trained. A list of "questions that the model
# learned" proves nothing without the list of those that it lost.
#
# ## How many questions?
#
# Before you run an experiment, ask whether it can succeed. A difference of $x$ is seen with a
# chance of 80 %, by a test at the 5 % level, if you have
#
# $$n = \Big(\frac{(1.960 + 0.842)\, s}{x}\Big)^2$$
#
# questions. Here $s$ is the standard deviation, over questions, of the *difference* between the two
# models. 1.960 belongs to the 5 %, and 0.842 to the 80 %.
#
# ## Exercise 7.3: plan an experiment
#
# You cannot ask half a question: round up.


# %%
@exercise("7.3")
def questions_needed(difference: float, deviation: float) -> int:
    """Returns the number of questions that show a difference, rounded up.

    Args:
        difference: The difference of the two means, e.g. 0.05 for 5 points.
        deviation: The standard deviation over questions of the difference of the two models.
    """
    raise NotImplementedError


# %%
deviation = float((vote_after - vote_before).std(ddof=1))
print(f"s of maj@16, before against after: {deviation:.2f}")
for points in (2, 5, 10, 20):
    print(f"  {points:2} points: {questions_needed(points / 100, deviation):6,} questions")
print("AIME 2024 has 30 questions, AMC 83, MATH-500 500")

# %% [markdown]
# With 30 questions nobody can see five points. And all of this is about *questions*. Another seed
# of the training moves the result as well, and no number of questions shows by how much: train
# several times.
#
# ## The table that deceives
#
# Now compare the two models. Here is the table as a paper might print it.

# %%
SETTINGS = {"T 1": "T1-top-p1", "T 0.6, top-p 0.95": "", "greedy": "greedy"}


def score(model: str, moment: str, setting: str) -> float:
    """Returns the share of right completions on the held-out questions."""
    return float(read(model, moment, setting=SETTINGS[setting]).correct.mean())


print("mean@16 on held-out questions, T 1, top-p 1")
for model in runs:
    print(f"  {model:11} {score(model, 'before', 'T 1'):.2f} -> {score(model, 'after', 'T 1'):.2f}")

# %% [markdown]
# Two models, two impressive gains. The obvious reading: both have learned arithmetic, the one more,
# the other less. Now the same two runs, at all three temperatures.

# %%
print("held-out questions    " + "".join(f"{name:>22}" for name in SETTINGS))
for model in runs:
    cells = (
        f"{score(model, 'before', name):.2f} -> {score(model, 'after', name):.2f}"
        for name in SETTINGS
    )
    print(f"{model:22}" + "".join(f"{each:>22}" for each in cells))

# %% [markdown]
# Read the column *greedy*, where the model always takes its likeliest token. `tiny-noisy` had
# nearly everything right before. It had nothing to learn. At T 1 it slipped, because a token with a
# chance of 10 % is drawn now and then. Training made it *surer*, and that is all: **sharpening**. A
# lower temperature does the same, for free.
#
# `tiny` is different. Its likeliest answer was wrong, and now it is right.
#
# So a score without its temperature says nothing. And if greedy accuracy has not moved, ask whether
# anything was learned. The same has been found of large models
# ([arXiv 2605.19444](https://arxiv.org/abs/2605.19444): most of TTRL's gains are on problems that
# the model could solve before).
#
# ## The picture
#
# Left: the table above. Right: what $n$ completions are worth, on held-out questions. **maj@n**
# lets $n$ completions vote. **pass@n** is the chance that one of them is right.


# %%
def maj_at(evaluation: Evaluation, n: int, tries: int = 20) -> float:
    """Returns how often the vote of n random completions of a question is right."""
    rng, right = np.random.default_rng(0), []
    for result in evaluation.results:
        for _ in range(tries):
            chosen = rng.permutation(evaluation.k)[:n]
            votes = [result.votes[i] for i in chosen if result.votes[i] >= 0]
            winner = max(votes, key=votes.count) if votes else None
            first = next((i for i in chosen if result.votes[i] == winner), None)
            right.append(first is not None and result.correct[first])
    return float(np.mean(right))


def pass_at(evaluation: Evaluation, n: int) -> float:
    """Returns the chance that one of n completions is right, without bias."""
    return float(np.mean([pass_at_k(evaluation.k, int(c), n) for c in evaluation.correct.sum(1)]))


figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4))
places = [0, 1, 2, 3.5, 4.5, 5.5]
rows = [(model, name) for model in runs for name in SETTINGS]
for place, (model, name) in zip(places, rows, strict=True):
    start, end = score(model, "before", name), score(model, "after", name)
    left.plot([start, end], [place, place], color="0.7", linewidth=2, zorder=1)
    left.scatter(start, place, facecolor="white", edgecolor="tab:blue", zorder=2)
    left.scatter(end, place, color="tab:blue", zorder=2)
left.set_yticks(places, [f"{model}, {name}" for model, name in rows])
left.invert_yaxis()
left.set(xlabel="right completions, held-out questions", xlim=(0, 1))
left.set_title("open: before, filled: after")

counts = (1, 2, 4, 8, 16)
for moment, evaluation, style in (("before", before, "--"), ("after", after, "-")):
    votes = [maj_at(evaluation, n) for n in counts]
    passes = [pass_at(evaluation, n) for n in counts]
    right.plot(counts, votes, style, color="tab:blue", marker="o", label=f"maj@n {moment}")
    right.plot(counts, passes, style, color="tab:orange", marker="s", label=f"pass@n {moment}")
    print(f"{moment}: maj@1 {votes[0]:.2f}, maj@16 {votes[-1]:.2f}, pass@16 {passes[-1]:.2f}")
right.set_xscale("log", base=2)
right.set_xticks(counts, [str(n) for n in counts])
right.set(xlabel="n", ylim=(0, 1.02), title="tiny, held-out questions, T 0.6, top-p 0.95")
right.legend(loc="lower right")
save_picture(figure, "lesson_07")

# %% [markdown]
# A single completion after training is better than the vote of sixteen before. That is what TTRL's
# paper claims as well, in its figure of maj@n ([2504.16084](https://arxiv.org/abs/2504.16084)). The
# vote was turned into a habit.
#
# pass@16 had little room, and hardly moved. Nearly everything was possible before. Training made
# usual what was possible.
#
# ## Two questions to think about
#
# 1. You compare five levels and two scores of two equal models. How likely is at least one p-value
#    below 0.05, if the ten tests were independent? What do you do about it, *before* you look?
# 2. A colleague trains with three seeds and reports the best of them, with its interval over
#    questions. What is wrong with the interval?
#
# ## What to look at in a report
#
# Open `output/runs/majority/report.html` and `output/runs/noisy/report.html`. The verdict says
# "rose" only where the paired interval leaves out 0. Find the greedy line of both. Then run
# `ttrl compare output/runs/majority/evaluations/before output/runs/majority/evaluations/after`: it
# prints what you computed by hand.
