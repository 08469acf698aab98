# %% [markdown]
# # Lesson 1: A language model is a policy
#
# *75 minutes of class, 20 seconds of computing.*
#
# A language model writes a text one token after another. In the words of reinforcement learning:
# it sees a **state**, chooses an **action**, and comes into the next state. Once you see it this
# way, everything that is known about learning by trial and error applies to it.
#
# ## What you will see
#
# - what a token is, and how a model chooses the next one,
# - how likely a whole completion is,
# - what temperature does, and why the likeliest completion need not be the best,
# - where a model is sure and where it is not.
#
# You need no GPU. The model of this course, `tiny`, has 0.4 million weights and ships with the
# package. It was built for learning: it can work small problems out, but usually guesses.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch

from course_tools import exercise, save_picture
from ttrl_agents.evaluate import evaluate
from ttrl_agents.policy import LogProbs, TokenBatch, load_policy
from ttrl_agents.samplers import SamplingParams, TransformersSampler
from ttrl_benchmarks.arithmetic import load

torch.set_num_threads(1)
policy = load_policy("tiny")
print(f"{policy.num_parameters:,} weights, {policy.vocabulary_size} tokens")

# %% [markdown]
# ## Tokens
#
# A model does not read letters. A *tokenizer* cuts the text into pieces from a fixed list, the
# **vocabulary**. Each piece is a **token**, and has a number. `Ġ` stands for a space before a word,
# and `Ċ` for the end of a line.

# %%
benchmark = load("train", size=100)  # 100 questions; their answers are sealed
question = benchmark.questions[50]
prompt = benchmark.prompt(question)
(prompt_ids,) = policy.encode_prompts([prompt])

print(prompt)
print()
print("tokens: ", " ".join(policy.tokenizer.convert_ids_to_tokens(list(prompt_ids))))
print("numbers:", " ".join(map(str, prompt_ids)))

# %% [markdown]
# The tokenizer put a token before and after the question. They say that a user wrote it, and that
# the assistant's turn comes next.
#
# ## The next token
#
# For the text so far, the model computes one number for each token of the vocabulary. These numbers
# are the **logits**. Softmax turns them into probabilities:
#
# $$\pi(a \mid s) = \frac{e^{z_a}}{\sum_b e^{z_b}}$$
#
# Here $s$ is the state: the prompt and all that was written so far. The action $a$ is the next
# token, and $z_a$ its logit. This is what reinforcement learning calls a **policy**: a probability
# for each action, given the state.

# %%


def logits_of(ids: list[int]) -> np.ndarray:
    """Returns the logits after each token, shape (tokens, vocabulary)."""
    with torch.no_grad():
        return policy.model(torch.tensor([ids])).logits[0].double().numpy()


def softmax(logits: np.ndarray) -> np.ndarray:
    """Returns probabilities; the last axis is the vocabulary."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))  # without overflow
    return powers / powers.sum(axis=-1, keepdims=True)


first = softmax(logits_of(list(prompt_ids))[-1])
for token in np.argsort(-first)[:5]:
    print(f"{policy.tokenizer.convert_ids_to_tokens(int(token)):8} {first[token]:.3f}")

# %% [markdown]
# The first token already decides a lot. `The` begins "The answer is …": the model guesses. A digit
# begins a line of working: the model calculates.
#
# ## A completion
#
# Draw a token, append it to the text, and go on, until the model writes the token that ends its
# turn. What it wrote is a **completion**. Here are eight completions of the same prompt.

# %%
sampler = TransformersSampler(policy)
completions = sampler.sample([prompt] * 8, SamplingParams(max_tokens=256), seed=0)
for completion in completions:
    print(f"{len(completion.token_ids):3} tokens   {str(completion)!r}")

# %% [markdown]
# You can look at this in two ways, and both are used:
#
# - **Each token is an action.** The state after it is the old text with the token appended. Nothing
#   about that is random: the environment is a typewriter. The reward comes at the end, when the
#   answer is there.
# - **The completion is one action.** The state is the prompt. There is one step, and one reward.
#   A problem of this kind is called a *bandit*. `ttrl_env` uses this view: one `step` takes
#   completions and returns rewards.
#
# How likely is a whole completion? Each token is drawn given the text so far, so the probabilities
# multiply. Products of many small numbers become too small for a computer. So one adds logarithms:
#
# $$\log \pi(y \mid x) = \sum_{t=1}^{|y|} \log \pi(y_t \mid x, y_1, \dots, y_{t-1})$$
#
# ## Exercise 1.1: the log-probability of a completion
#
# You get the logits of a whole text: prompt and completion. Row $i$ of the logits is what the model
# computed *after* reading token $i$. So it predicts token $i + 1$. This is the classic place to be
# off by one.
#
# `softmax` from above works on many rows at once. "In nats" means with the natural logarithm,
# `np.log`.


# %%
@exercise("1.1")
def completion_log_prob(logits: np.ndarray, ids: np.ndarray, start: int) -> float:
    """Returns the log-probability of the completion, in nats.

    Args:
        logits: The logits after each token of the text, shape (length, vocabulary).
        ids: The tokens of the text, prompt and completion, shape (length,).
        start: The place of the completion's first token in `ids`. The prompt is `ids[:start]`.
    """
    raise NotImplementedError


# %% [markdown]
# Does the package agree with you? `LogProbs` computes the same during training. And the sampler
# noted the log-probability of each token when it drew it.

# %%
log_probs = LogProbs(policy)
print("  by hand   LogProbs    sampler")
for completion in completions[:4]:
    text = np.array([*prompt_ids, *completion.token_ids])
    by_hand = completion_log_prob(logits_of(text.tolist()), text, len(prompt_ids))
    batch = TokenBatch.from_ids(
        [prompt_ids], [completion.token_ids], pad_token_id=policy.pad_token_id
    )
    with torch.no_grad():
        package = log_probs(batch, temperature=1.0)[0].sum().item()
    print(f"{by_hand:9.4f}  {package:9.4f}  {completion.log_probs.sum():9.4f}")

# %% [markdown]
# Keep these numbers in mind. Training will push the log-probability of good completions up. Nothing
# else happens in this whole course.
#
# ## Temperature
#
# You can make a policy bolder or more careful without training it. Divide the logits by a number
# $T$ before the softmax, the **temperature**:
#
# $$\pi_T(a \mid s) = \frac{e^{z_a / T}}{\sum_b e^{z_b / T}}$$
#
# $T = 1$ is the model as it is. A smaller $T$ favours the likely tokens. In the limit $T = 0$ only
# the likeliest token is left. This is called **greedy**.
#
# ## Exercise 1.2: temperature
#
# Write $\pi_T$ for one row of logits. You must treat $T = 0$ on its own: it would divide by zero.
# `softmax` from above does the rest.


# %%
@exercise("1.2")
def tempered(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Returns the probabilities at a temperature, shape (vocabulary,).

    Args:
        logits: The logits of one state, shape (vocabulary,).
        temperature: 0 or more. At 0 the likeliest token has probability 1.
    """
    raise NotImplementedError


# %%
row = logits_of(list(prompt_ids))[-1]
for temperature in (0, 0.6, 1.0, 1.5):
    probabilities = tempered(row, temperature)
    the, digit = policy.tokenizer.convert_tokens_to_ids(["The", "3"])
    print(
        f"T {temperature:3}: guess ('The') {probabilities[the]:.3f}, "
        f"calculate ('3') {probabilities[digit]:.3f}"
    )

# %% [markdown]
# Now measure. Each of the 100 questions is answered 16 times at each temperature, and graded with
# its true answer. The share of right completions is called **mean@16**. The paper of TTRL calls it
# pass@1.

# %%
temperatures = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.5]
scores = []
for temperature in temperatures:
    params = SamplingParams(max_tokens=256, temperature=temperature)
    k = 16 if temperature else 1  # greedy completions are all the same
    scores.append(evaluate(sampler, benchmark, k=k, params=params, seed=0))
    mean = scores[-1].metrics[f"mean@{k}"]
    print(f"T {temperature:3}: right {mean}, {scores[-1].mean_tokens:4.1f} tokens on average")

# %% [markdown]
# Surprised? Greedy is nearly always *wrong*. The likeliest first token is `The`, so a greedy model
# always guesses. At higher temperatures it sometimes calculates, and is then often right. Beyond
# 1.0 it makes mistakes in the working, too.
#
# So remember: **a score without its temperature is not a result.**
#
# ## Exercise 1.3: entropy
#
# How unsure is a policy in a state? The **entropy** measures it:
#
# $$H = -\sum_a \pi(a) \log \pi(a)$$
#
# It is 0 if one token is certain, and $\log n$ if $n$ tokens are equally likely. Write it for many
# states at once. Mind tokens whose probability is 0 in floating-point numbers: $0 \log 0$ counts
# as 0, but NumPy says `nan`. A hint: subtract `logits.max(axis=1, keepdims=True)`, then work with
# log-probabilities. They stay finite.


# %%
@exercise("1.3")
def entropies(logits: np.ndarray) -> np.ndarray:
    """Returns the entropy of the policy in each state, in nats, shape (states,).

    Args:
        logits: The logits of each state, shape (states, vocabulary).
    """
    raise NotImplementedError


# %% [markdown]
# ## The picture
#
# On the left: two completions, token by token. A bar is the entropy of the policy *before* the
# token was drawn. You see where the model decides something. On the right: your temperature curve.

# %%
guess = next(each for each in completions if each.startswith("The"))
worked = next(each for each in completions if not each.startswith("The"))

figure = plt.figure(figsize=(11, 5))
grid = figure.add_gridspec(2, 2, width_ratios=[3, 2])
for place, completion in enumerate((guess, worked)):
    axes = figure.add_subplot(grid[place, 0])
    text = [*prompt_ids, *completion.token_ids.tolist()]
    unsure = entropies(logits_of(text)[len(prompt_ids) - 1 : -1])
    names = [policy.decode([[token]])[0] or "end" for token in completion.token_ids.tolist()]
    names = [each.replace(" ", "␣").replace("\n", "↵") for each in names]
    axes.bar(range(len(names)), unsure, color="tab:orange" if place == 0 else "tab:blue")
    axes.set_xticks(range(len(names)), names, rotation=60, fontsize=8)
    axes.set(ylabel="entropy (nats)", ylim=(0, 2.2))
    axes.set_title("a guess" if place == 0 else "a calculation")

axes = figure.add_subplot(grid[:, 1])
means = [each.correct.mean() for each in scores]
axes.plot(temperatures, means, "o-", label="right (mean@16)")
worked_share = [
    np.mean([not text.startswith("The") for result in each.results for text in result.texts])
    for each in scores
]
axes.plot(temperatures, worked_share, "s--", color="tab:gray", label="calculated")
axes.set(xlabel="temperature (top-p 1)", ylabel="share of completions", ylim=(0, 1))
axes.set_title("100 questions, before training")
axes.legend()
save_picture(figure, "lesson_01")

# %% [markdown]
# A guess is unsure at the number, where it matters. A calculation is unsure at the first token, and
# hardly anywhere after it. So the model *knows how*. It only chooses to do so too rarely. Training
# can change a choice. That is what the next lessons do.
#
# ## Two questions to think about
#
# 1. Draw a completion at $T = 0.6$. Compute its log-probability twice: with the policy at
#    $T = 0.6$, and with the policy at $T = 1$. Which of the two is larger for a typical completion?
#    For every completion?
# 2. Greedy decoding takes the likeliest *token* each time. Does it find the likeliest *completion*?
#    Build an example with two tokens and completions of length two where it does not.
#
# ## What to look at in the report
#
# In a terminal, measure the model as the paper does, at temperature 0.6 and top-p 0.95:
#
# ```console
# $ ttrl eval tiny --output runs/lesson-1
# ```
#
# Open `runs/lesson-1/report.html` in a browser. Choose a question. Look at its 16 completions:
# which are guesses, which are calculations, and which of them are right? Where was the answer found
# in the text?
