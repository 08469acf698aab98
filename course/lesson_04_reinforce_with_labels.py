# %% [markdown]
# # Lesson 4: REINFORCE on a language model, with labels
#
# *90 minutes of class, 60 seconds of computing.*
#
# Now you put lessons 1 and 3 together. The policy is a language model. The action is a completion.
# The reward is 1 if its answer is right, and 0 otherwise. To know that, you need the true answers,
# the **labels**. The next lesson takes them away.
#
# ## What you will see
#
# - the whole loop of reinforcement learning on a language model, in about forty lines,
# - that completions of the same question serve as each other's baseline,
# - that some questions teach nothing, and which.
#
# The algorithm is called **REINFORCE** (Williams, 1992). It is the policy gradient of lesson 3,
# with gradients from PyTorch. With rewards that are checked against labels, the field calls it
# RLVR, "reinforcement learning with verifiable rewards".

# %%
import gymnasium as gym
import matplotlib.pyplot as plt
import numpy as np
import torch

import ttrl_env
from course_tools import exercise, save_picture
from ttrl_agents.evaluate import evaluate
from ttrl_agents.policy import load_policy
from ttrl_agents.samplers import SamplingParams, TransformersSampler
from ttrl_benchmarks.arithmetic import load

torch.set_num_threads(1)
QUESTIONS, N, STEPS = 8, 16, 40  # questions in a step, completions of each, steps

policy = load_policy("tiny")
sampler = TransformersSampler(policy)
pad, end = policy.pad_token_id, policy.end_token_ids[0]

# %% [markdown]
# ## The environment
#
# `gym.make_vec` makes the environment: 8 questions, each shown 16 times. The 16 completions of one
# question are a **group**. You give it 128 completions, and it returns 128 rewards and the next
# questions. The reward `oracle` compares with the labels.

# %%
envs = gym.make_vec("TTRL-Arithmetic-v0", num_envs=QUESTIONS * N, group_size=N, reward="oracle")
envs = ttrl_env.LabelMetrics(envs)  # it also tells us how many completions are right
prompts, _ = envs.reset(seed=0)
completions = sampler.sample(prompts, SamplingParams(max_tokens=64), seed=0)
_, rewards, *_ = envs.step(completions)
print(prompts[0])
print(
    f"{rewards[:N].mean():.2f} of its completions are right; in the whole step {rewards.mean():.2f}"
)

# %% [markdown]
# ## Exercise 4.1: the mask
#
# Completions have different lengths, but a tensor is a rectangle. So short completions are filled
# up. What is filled in was not written by the model, and must not be trained on. A **mask** says
# what counts: 1 for what the model wrote, 0 for the rest.
#
# A completion ends with its *first* end token. Did the model write that token? Yes! It decided to
# stop there. So it counts. A mask that leaves it out is a famous bug. The model then never learns
# when to stop, and nothing crashes.
#
# What comes after the first end token can be anything, further end tokens too. A hint:
# `is_end.cumsum(dim=1)` counts the end tokens up to each place, that place included.


# %%
@exercise("4.1")
def completion_mask(tokens: torch.Tensor, end: int) -> torch.Tensor:
    """Returns 1.0 for each token that the model wrote, and 0.0 after its end; same shape.

    Args:
        tokens: The tokens of each completion, filled up, shape (completions, longest).
        end: The end token. A completion may be cut off before it writes one.
    """
    raise NotImplementedError


# %% [markdown]
# ## Log-probabilities, with a gradient
#
# This is exercise 1.1 for many completions at once. Prompts are filled up on the left, completions
# on the right, so that all completions begin at the same place. PyTorch keeps the gradient.


# %%
def token_log_probs(
    prompt_ids: list[tuple[int, ...]], written: torch.Tensor, mask: torch.Tensor
) -> torch.Tensor:
    """Returns the log-probability of each written token, shape (completions, longest)."""
    width = max(map(len, prompt_ids))
    left = torch.tensor([[pad] * (width - len(ids)) + list(ids) for ids in prompt_ids])
    seen = torch.cat([left != pad, mask > 0], dim=1).long()
    logits = policy.model(
        torch.cat([left, written], dim=1),
        attention_mask=seen,
        position_ids=(seen.cumsum(dim=1) - 1).clamp(min=0),
    ).logits
    predictions = logits[:, width - 1 : -1].log_softmax(dim=-1)  # row i predicts token i + 1
    return predictions.gather(-1, written.unsqueeze(-1)).squeeze(-1)


# %% [markdown]
# ## Exercise 4.2: each other's baseline
#
# Lesson 3 said: subtract the expected reward, the baseline. But what is the expected reward of a
# question? Nobody knows. The other completions of the group can tell. For completion $i$ of $n$,
# take the mean reward of the *others*:
#
# $$A_i = r_i - \frac{1}{n - 1} \sum_{j \neq i} r_j$$
#
# This is the **advantage**. The baseline is called "leave one out", and the method RLOO. Because
# the completion's own reward is not in it, the gradient stays unbiased. Write it without a loop.


# %%
@exercise("4.2")
def leave_one_out(rewards: torch.Tensor) -> torch.Tensor:
    """Returns the advantage of each completion, same shape.

    Args:
        rewards: The rewards, a row for each group, shape (groups, n), with n 2 or more.
    """
    raise NotImplementedError


# %% [markdown]
# There is a second way to write it. On paper, show that
#
# $$A_i = \frac{n}{n - 1}\,\big(r_i - \bar r\big)$$
#
# where $\bar r$ is the mean of all $n$ rewards. So you may subtract the plain mean of the group: it
# only shortens the step a little. GRPO, the most used method, does so.

# %%
groups = torch.tensor(rewards, dtype=torch.float32).reshape(QUESTIONS, N)
plain = groups - groups.mean(dim=1, keepdim=True)
difference = (leave_one_out(groups) - N / (N - 1) * plain).abs().max()
print(f"the largest difference of the two: {difference:.0e}")

# %% [markdown]
# ## Exercise 4.3: the loss
#
# PyTorch makes a loss small. So the loss is *minus* what should grow:
#
# $$L = -\frac{1}{N} \sum_{i=1}^{N} A_i \sum_t m_{it}\, \log \pi(y_{it} \mid \dots)$$
#
# The inner sum is the log-probability of completion $i$, with its mask $m$. Its gradient is the
# policy-gradient estimate of lesson 3, with $N$ completions.


# %%
@exercise("4.3")
def reinforce_loss(
    log_probs: torch.Tensor, mask: torch.Tensor, advantages: torch.Tensor
) -> torch.Tensor:
    """Returns the loss, a single number with a gradient.

    Args:
        log_probs: The log-probability of each token, shape (completions, longest).
        mask: 1.0 where the model wrote the token, else 0.0, same shape.
        advantages: The advantage of each completion, shape (completions,).
    """
    raise NotImplementedError


# %% [markdown]
# ## Exercise 4.4: groups that teach nothing
#
# If all completions of a group are right, every advantage is 0. The same if all are wrong. Such a
# group costs as much as any other, and its gradient is exactly 0. Call it **silent**.


# %%
@exercise("4.4")
def silent_share(rewards: torch.Tensor) -> float:
    """Returns the share of groups whose rewards are all the same.

    Args:
        rewards: The rewards, a row for each group, shape (groups, n).
    """
    raise NotImplementedError


# %% [markdown]
# ## Training
#
# Here is the whole algorithm. Sample, get rewards, compute advantages, take a step. Read it twice.

# %%
optimizer = torch.optim.AdamW(policy.model.parameters(), lr=3e-4, betas=(0.9, 0.95))


def learn(prompts: list[str], completions: list, rewards: np.ndarray) -> None:
    """Takes one step of REINFORCE."""
    longest = max(len(each.token_ids) for each in completions)
    rows = [[*each.token_ids, *[pad] * (longest - len(each.token_ids))] for each in completions]
    written = torch.tensor(rows)
    mask = completion_mask(written, end)
    log_probs = token_log_probs(policy.encode_prompts(prompts), written, mask)
    groups = torch.tensor(rewards, dtype=torch.float32).reshape(-1, N)
    loss = reinforce_loss(log_probs, mask, leave_one_out(groups).flatten())
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(policy.model.parameters(), 1.0)
    optimizer.step()


train, held_out = load("train", size=100), load("held_out", size=100)
PAPER = SamplingParams(max_tokens=64, temperature=0.6, top_p=0.95)
GREEDY = SamplingParams(max_tokens=64, temperature=0.0)


def measure(name: str) -> list:
    """Prints how good the policy is, and returns the rewards on the trained questions."""
    for label, benchmark in (("trained", train), ("held-out", held_out)):
        scores = evaluate(sampler, benchmark, k=N, params=PAPER, seed=1).metrics
        greedy = evaluate(sampler, benchmark, k=1, params=GREEDY, seed=1).metrics["mean@1"]
        print(f"{name}, {label:8} mean@16 at T 0.6, top-p 0.95: {scores[f'mean@{N}']}", end="")
        print(f"   greedy: {greedy}")
    hot = SamplingParams(max_tokens=64, temperature=1.0)  # as in training
    return list(evaluate(sampler, train, k=N, params=hot, seed=1).results)


before = measure("before")
right, silent = [], []
prompts, _ = envs.reset(seed=0)
for step in range(STEPS):
    completions = sampler.sample(prompts, SamplingParams(max_tokens=64), seed=step)
    next_prompts, rewards, *_ = envs.step(completions)
    learn(prompts, completions, rewards)
    right.append(rewards.mean())
    silent.append(silent_share(torch.tensor(rewards).reshape(-1, N)))
    if step % 10 == 9:
        print(
            f"step {step + 1}: right {np.mean(right[-10:]):.2f}, silent {np.mean(silent[-10:]):.2f}"
        )
    prompts = next_prompts
after = measure("after")

# %% [markdown]
# The model now answers right nearly always, on questions that it never saw, too. Even greedy. What
# did it learn? Look at a few completions.

# %%
for completion in sampler.sample([prompts[0]] * 3, PAPER, seed=0):
    print(repr(str(completion)))

# %% [markdown]
# It stopped guessing. Nobody told it to work things out. It was told what is right, and working it
# out is what leads there.
#
# ## The picture
#
# On the left: the run. On the right: the silent groups among the 100 questions, by level, before
# and after, at temperature 1. Before training nearly every question teaches: something is wrong
# everywhere, and something is right nearly everywhere. After 40 steps many groups are all right,
# most of all on the easy level. They have nothing more to teach.

# %%
figure, (left_axes, right_axes) = plt.subplots(1, 2, figsize=(10, 4.2))
steps = np.arange(1, STEPS + 1)
left_axes.plot(steps, right, color="tab:blue", label="right completions (T 1)")
left_axes.plot(steps, silent, color="tab:gray", linestyle="--", label="silent groups")
left_axes.set(xlabel="step", ylabel="share", ylim=(0, 1))
left_axes.legend(loc="center right")

levels = sorted({each.level for each in before})
for shift, results, name in ((-0.2, before, "before"), (0.2, after, "after")):
    for level in levels:
        shares = np.array([np.mean(each.correct) for each in results if each.level == level])
        nothing, everything = np.mean(shares == 0), np.mean(shares == 1)
        bar = {"width": 0.36, "edgecolor": "black", "hatch": "" if name == "after" else "//"}
        right_axes.bar(level + shift, nothing, color="tab:red", **bar)
        right_axes.bar(level + shift, everything, bottom=nothing, color="tab:green", **bar)
right_axes.set(xlabel="level of the question", ylabel="share of silent groups", ylim=(0, 1))
right_axes.set_title("red: all wrong, green: all right; hatched: before")
save_picture(figure, "lesson_04")

# %% [markdown]
# ## Two questions to think about
#
# 1. A question is so hard that one completion in a thousand is right. With groups of 16, how often
#    is its group not silent? What could you do about it, other than larger groups?
# 2. All advantages of a group add up to 0. Suppose that 15 completions are right and one is wrong.
#    How large is the push against the wrong one, and for each right one? And the other way round?
#
# ## What to look at in the report
#
# The package does the same, with all that a long run needs:
#
# ```console
# $ ttrl train --reward oracle --steps 40 --output runs/lesson-4
# ```
#
# Open `runs/lesson-4/report.html`. In the curves, watch the length of completions: why does it
# grow? Find a question that is still wrong after training, and read its completions. Which step of
# the working fails?
