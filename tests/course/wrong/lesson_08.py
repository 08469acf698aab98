"""Wrong solutions of lesson 8."""

import numpy as np
from course_files import wrong


@wrong("8.1", says="turn the sign")
def the_objective(ratio, advantages, clip_low, clip_high):
    clipped = np.clip(ratio, 1 - clip_low, 1 + clip_high)
    return np.minimum(ratio * advantages, clipped * advantages)


@wrong("8.1", says="larger of the two")
def the_bold_one(ratio, advantages, clip_low, clip_high):
    clipped = np.clip(ratio, 1 - clip_low, 1 + clip_high)
    return -np.maximum(ratio * advantages, clipped * advantages)


@wrong("8.1", says="only the clipped ratio")
def without_a_minimum(ratio, advantages, clip_low, clip_high):
    return -np.clip(ratio, 1 - clip_low, 1 + clip_high) * advantages


@wrong("8.1", says="minimum of the ratios before")
def minimum_too_early(ratio, advantages, clip_low, clip_high):
    return -advantages * np.minimum(ratio, np.clip(ratio, 1 - clip_low, 1 + clip_high))


@wrong("8.1", says="swapped the two bounds")
def bounds_swapped(ratio, advantages, clip_low, clip_high):
    clipped = np.clip(ratio, 1 - clip_high, 1 + clip_low)
    return -np.minimum(ratio * advantages, clipped * advantages)


@wrong("8.2", says="exponent has the wrong sign")
def sign_in_the_exponent(log_probs, initial_log_probs):
    d = log_probs - initial_log_probs
    return np.exp(d) + d - 1


@wrong("8.2", says="exchanged the two policies")
def policies_exchanged(log_probs, initial_log_probs):
    d = initial_log_probs - log_probs
    return np.exp(-d) + d - 1


@wrong("8.2", says="This is k2")
def half_the_square(log_probs, initial_log_probs):
    return 0.5 * (log_probs - initial_log_probs) ** 2


@wrong("8.2", says="The - 1 is missing")
def without_the_one(log_probs, initial_log_probs):
    d = log_probs - initial_log_probs
    return np.exp(-d) + d


@wrong("8.3", says="These are the δ")
def only_deltas(rewards, values, gamma, trust):
    return rewards + gamma * np.append(values[1:], 0) - values


@wrong("8.3", says="discount by γ alone")
def without_lambda(rewards, values, gamma, trust):
    advantages, advantage, following = np.zeros(len(rewards)), 0.0, 0.0
    for t in reversed(range(len(rewards))):
        advantage = rewards[t] + gamma * following - values[t] + gamma * advantage
        advantages[t], following = advantage, values[t]
    return advantages


@wrong("8.3", says="took its own value again")
def value_after_the_end(rewards, values, gamma, trust):
    advantages, advantage, following = np.zeros(len(rewards)), 0.0, values[-1]
    for t in reversed(range(len(rewards))):
        advantage = rewards[t] + gamma * following - values[t] + gamma * trust * advantage
        advantages[t], following = advantage, values[t]
    return advantages


@wrong("8.3", says="next value is missing")
def without_the_next_value(rewards, values, gamma, trust):
    advantages, advantage = np.zeros(len(rewards)), 0.0
    for t in reversed(range(len(rewards))):
        advantage = rewards[t] - values[t] + gamma * trust * advantage
        advantages[t] = advantage
    return advantages
