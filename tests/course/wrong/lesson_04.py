"""Wrong solutions of lesson 4."""

import torch
from course_files import wrong


@wrong("4.1", says="the end token is left out")
def leaves_the_end_out(tokens, end):
    return ((tokens == end).cumsum(dim=1) < 1).float()


@wrong("4.1", says="look whether a token is the end token")
def everything_but_the_end(tokens, end):
    return (tokens != end).float()


@wrong("4.1", says="off by one: the token after the end")
def one_too_many(tokens, end):
    is_end = (tokens == end).float()
    before = torch.nn.functional.pad(is_end.cumsum(dim=1), (2, 0))[:, :-2]
    return (before == 0).float()


@wrong("4.1", says="the wrong way round")
def the_wrong_way_round(tokens, end):
    is_end = (tokens == end).long()
    return (is_end.cumsum(dim=1) - is_end > 0).float()


@wrong("4.1", says="look for the filling")
def where_there_is_no_zero(tokens, end):
    return (tokens != 0).float()


@wrong("4.2", says="the completion's own included")
def less_the_mean(rewards):
    return rewards - rewards.mean(dim=1, keepdim=True)


@wrong("4.2", says="There are n - 1 of them")
def divides_by_n(rewards):
    return rewards - (rewards.sum(dim=1, keepdim=True) - rewards) / rewards.shape[1]


@wrong("4.2", says="mean over all groups")
def one_baseline_for_all(rewards):
    return rewards - rewards.mean()


@wrong("4.2", says="standard deviation")
def like_grpo(rewards):
    centred = rewards - rewards.mean(dim=1, keepdim=True)
    return centred / (rewards.std(dim=1, keepdim=True) + 1e-6)


@wrong("4.2", says="it stops with RuntimeError")
def without_keepdim(rewards):
    n = rewards.shape[1]
    return rewards - (rewards.sum(dim=1) - rewards) / (n - 1)


@wrong("4.3", says="The sign is missing")
def uphill(log_probs, mask, advantages):
    return (advantages * (log_probs * mask).sum(dim=1)).mean()


@wrong("4.3", says="mask has no effect")
def forgets_the_mask(log_probs, mask, advantages):
    return -(advantages * log_probs.sum(dim=1)).mean()


@wrong("4.3", says="Take their mean")
def adds_up(log_probs, mask, advantages):
    return -(advantages * (log_probs * mask).sum(dim=1)).sum()


@wrong("4.3", says="divide by the number of tokens")
def token_mean(log_probs, mask, advantages):
    return -(advantages[:, None] * log_probs * mask).sum() / mask.sum()


@wrong("4.3", says="carries no gradient")
def loses_the_gradient(log_probs, mask, advantages):
    return -(advantages * (log_probs * mask).sum(dim=1)).mean().item()


@wrong("4.4", says="Groups that are all wrong are silent")
def all_right(rewards):
    return (rewards == 1).all(dim=1).float().mean().item()


@wrong("4.4", says="Groups that are all right are silent")
def all_wrong(rewards):
    return (rewards.sum(dim=1) == 0).float().mean().item()


@wrong("4.4", says="*not* silent")
def those_that_teach(rewards):
    return (rewards.std(dim=1) > 0).float().mean().item()


@wrong("4.4", says="Divide by the number of groups")
def a_number(rewards):
    return sum(1 for row in rewards if row.min() == row.max())
