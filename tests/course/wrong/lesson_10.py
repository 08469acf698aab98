"""Wrong solutions of lesson 10."""

import numpy as np
from course_files import wrong


@wrong("10.1", says="the score less that before")
def scores_after(before, after):
    home = np.eye(len(before), dtype=bool)
    return np.array([after[home].mean(), after[~home].mean()])


@wrong("10.1", says="mean of the whole matrix")
def with_the_diagonal(before, after):
    gained = after - before
    return np.array([np.diag(gained).mean(), gained.mean()])


@wrong("10.1", says="home comes first")
def abroad_first(before, after):
    gained, home = after - before, np.eye(len(before), dtype=bool)
    return [gained[~home].mean(), gained[home].mean()]


@wrong("10.2", says="They have kv_heads heads")
def as_many_keys_as_queries(config):
    h, q = config["hidden"], config["heads"] * config["head_size"]
    layer = 4 * h * q + 3 * q + 3 * h * config["inner"] + 2 * h
    return config["layers"] * layer + h + 2 * config["vocabulary"] * h


@wrong("10.2", says="you counted one")
def without_the_head(config):
    h, size = config["hidden"], config["head_size"]
    q, k = config["heads"] * size, config["kv_heads"] * size
    layer = 2 * h * (q + k) + q + 2 * k + 3 * h * config["inner"] + 2 * h
    return config["layers"] * layer + h + config["vocabulary"] * h


@wrong("10.2", says="three matrices, not two")
def two_matrices(config):
    h, size = config["hidden"], config["head_size"]
    q, k = config["heads"] * size, config["kv_heads"] * size
    layer = 2 * h * (q + k) + q + 2 * k + 2 * h * config["inner"] + 2 * h
    return config["layers"] * layer + h + 2 * config["vocabulary"] * h


@wrong("10.3", says="the frozen model is the reference")
def reference_always(frozen, trained, reference):
    return (2 * frozen + 18 * trained + (2 * (frozen + trained) if reference else 0)) / 10**9


@wrong("10.3", says="two moments")
def one_moment(frozen, trained, reference):
    return (2 * frozen + 14 * trained + 2 * trained * (reference and frozen == 0)) / 10**9


@wrong("10.3", says="2³⁰")
def gibibytes(frozen, trained, reference):
    return (2 * frozen + 18 * trained + 2 * trained * (reference and frozen == 0)) / 2**30


@wrong("10.3", says="reference is missing")
def without_a_reference(frozen, trained, reference):
    return (2 * frozen + 18 * trained) / 1e9
