"""Wrong solutions of lesson 3."""

import numpy as np
from course_files import wrong


@wrong("3.1", says="as if the other probabilities stayed the same")
def without_the_mean(probabilities, rewards):
    return probabilities * rewards


@wrong("3.1", says="the plain mean of the ten rewards")
def with_the_plain_mean(probabilities, rewards):
    return probabilities * (rewards - np.mean(rewards))


@wrong("3.1", says="factor π(k) in front is missing")
def without_the_factor(probabilities, rewards):
    return rewards - np.dot(probabilities, rewards)


@wrong("3.1", says="sign is the wrong way round")
def downhill(probabilities, rewards):
    return probabilities * (probabilities @ rewards - rewards)


@wrong("3.1", says="a single number")
def the_expected_reward(probabilities, rewards):
    return (probabilities * rewards).sum()


@wrong("3.2", says="take their mean")
def adds_up(probabilities, actions, rewards, baseline):
    total = np.zeros(10)
    for a, r in zip(actions, rewards, strict=True):
        total += (r - baseline) * (np.eye(10)[a] - probabilities)
    return total


@wrong("3.2", says="baseline is not subtracted")
def forgets_the_baseline(probabilities, actions, rewards, baseline):
    return (rewards[:, None] * (np.eye(10)[actions] - probabilities)).mean(axis=0)


@wrong("3.2", says="left out the - π(k)")
def half_a_score(probabilities, actions, rewards, baseline):
    return ((rewards - baseline)[:, None] * np.eye(10)[actions]).mean(axis=0)


@wrong("3.2", says="average over the draws (axis=0)")
def the_wrong_axis(probabilities, actions, rewards, baseline):
    return ((rewards - baseline)[:, None] * (np.eye(10)[actions] - probabilities)).mean(axis=1)


@wrong("3.2", says="it stops with ValueError")
def without_a_new_axis(probabilities, actions, rewards, baseline):
    return ((rewards - baseline) * (np.eye(10)[actions] - probabilities)).mean(axis=0)


@wrong("3.3", says="a good baseline, but not the best")
def the_mean_reward(probabilities, rewards):
    return float(probabilities @ rewards)


@wrong("3.3", says="that is axis=1")
def over_the_wrong_axis(probabilities, rewards):
    lengths = ((np.eye(10) - probabilities) ** 2).sum(axis=0)
    return np.sum(probabilities * lengths * rewards) / np.sum(probabilities * lengths)


@wrong("3.3", says="forgot to divide")
def without_dividing(probabilities, rewards):
    lengths = ((np.eye(10) - probabilities) ** 2).sum(axis=1)
    return float(np.sum(probabilities * lengths * rewards))


@wrong("3.3", says="weight with its square")
def by_length(probabilities, rewards):
    lengths = np.linalg.norm(np.eye(10) - probabilities, axis=1)
    return float((probabilities * lengths * rewards).sum() / (probabilities * lengths).sum())


@wrong("3.3", says="with their probabilities too")
def without_probabilities(probabilities, rewards):
    lengths = ((np.eye(10) - probabilities) ** 2).sum(axis=1)
    return float((lengths * rewards).sum() / lengths.sum())
