"""The embedded arithmetic benchmark: word problems generated from a seed, with exact labels.

- `CARD`, `load`: the benchmark, one split of it.
- `Problem`, `Step`: a question with the steps that solve it.
- `draw_problem`, `split_of`: one problem at random, and the split that it belongs to.
- `rephrase`: a second wording of a question.
- `TEMPLATES`, `Template`: the wordings, and the arithmetic behind each.
"""

from ttrl_benchmarks.arithmetic.benchmark import CARD, LEVELS, SPLITS, draw_problem, load, split_of
from ttrl_benchmarks.arithmetic.problem import Problem, Step, solve
from ttrl_benchmarks.arithmetic.second_wording import rephrase
from ttrl_benchmarks.arithmetic.templates import TEMPLATES, Template

__all__ = [
    "CARD",
    "LEVELS",
    "SPLITS",
    "TEMPLATES",
    "Problem",
    "Step",
    "Template",
    "draw_problem",
    "load",
    "rephrase",
    "solve",
    "split_of",
]
