"""The rows of the paper's Tables 1 to 3, and how each is run on GPUs.

- `ROWS`: the published scores, by table, model and benchmark.
- `Recipe`: one of them as a run: its options, its commands, its cost.
- `recipes`: all of them; `find_recipe` is one.

Numbers are those of arXiv 2504.16084v3, in percent, before and after TTRL.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, get_args

from ttrl_agents.config import TrainConfig
from ttrl_agents.config.presets import PAPER_BENCHMARKS, preset_config
from ttrl_agents.config.train_config import Family, Preset
from ttrl_agents.memory.shapes import model_shape
from ttrl_benchmarks import PAPER_INSTRUCTION, benchmark_card
from ttrl_benchmarks.errors import unknown_name

PAPER = "arXiv 2504.16084v3"
_LEVELS = tuple(f"math500-l{level}" for level in range(1, 6))
_ALL = ("aime24", "amc", "math500", "gpqa")

Scores = tuple[float, float]
ROWS: dict[str, dict[str, dict[str, Scores]]] = {
    "table1": {
        model: dict(zip(_ALL, scores, strict=True))
        for model, scores in {
            "Qwen/Qwen2.5-Math-1.5B": ((7.7, 15.8), (28.6, 48.9), (32.7, 73.0), (24.9, 26.1)),
            "Qwen/Qwen2.5-Math-7B": ((12.9, 40.2), (35.6, 68.1), (46.7, 83.4), (29.1, 27.7)),
            "Qwen/Qwen2.5-7B": ((7.9, 23.3), (34.8, 56.6), (60.5, 80.5), (31.8, 33.6)),
            "Qwen/Qwen2.5-32B": ((7.9, 24.0), (32.6, 59.3), (55.8, 83.2), (33.2, 37.7)),
            "meta-llama/Llama-3.1-8B-Instruct": (
                (4.6, 10.0),
                (23.3, 32.3),
                (48.6, 63.7),
                (30.8, 34.1),
            ),
            "Qwen/Qwen3-8B": ((26.9, 46.7), (57.8, 69.1), (82.3, 89.3), (48.1, 53.0)),
        }.items()
    },
    "table2": {
        model: dict(zip(_ALL[:3], scores, strict=True))
        for model, scores in {
            "sail/Llama-3.2-3B-Oat-Zero": ((0.8, 3.3), (15.1, 25.3), (41.9, 55.7)),
            "meta-llama/Llama-3.2-3B-Instruct": ((6.0, 13.3), (19.4, 31.3), (43.9, 61.6)),
            "mistralai/Mistral-Nemo-Instruct-2407": ((0.8, 0.0), (15.4, 24.8), (40.8, 51.0)),
            "mistralai/Ministral-8B-Instruct-2410": ((1.3, 3.3), (19.7, 28.9), (52.4, 57.8)),
            "deepseek-ai/deepseek-math-7b-instruct": ((1.9, 2.5), (16.3, 22.9), (42.3, 52.4)),
            "deepseek-ai/DeepSeek-R1-Distill-Llama-8B": (
                (51.7, 69.2),
                (81.6, 88.9),
                (89.6, 90.9),
            ),
        }.items()
    },
    "table3": {
        "Qwen/Qwen2.5-Math-1.5B": dict(
            zip(
                _LEVELS,
                ((25.9, 71.2), (33.0, 76.2), (36.3, 76.3), (32.5, 58.7), (22.3, 39.2)),
                strict=True,
            )
        )
    },
}

# Models that the paper runs otherwise than their names say: Qwen3 without thinking, which the last
# word of a prompt turns off.
_OTHERWISE: dict[str, dict[str, Any]] = {
    "Qwen/Qwen3-8B": {
        "family": "instruct",
        "temperature": 1.0,
        "instruction": f"{PAPER_INSTRUCTION} /no_think",
    }
}
_LEVEL_EPISODES, _LEVEL_PROMPTS = 30, 8  # as for AMC, which is as large; the paper does not say
# Assumptions of the estimate of hours.
MEAN_TOKENS: dict[Family, int] = {"qwen2.5-math": 1000, "instruct": 1000, "reasoning": 8000}
PEAK = 312e12  # FLOP/s of an A100 in bfloat16
SAMPLING_SHARE, LEARNING_SHARE = 0.10, 0.35  # of the peak
_FORWARD, _RECOMPUTED, _BACKWARD = 2, 2, 4  # FLOP for each weight and token


@dataclass(frozen=True)
class Recipe:
    """One score of the paper as a run.

    Attributes:
        table: `table1`, `table2` or `table3`.
        model: The id on the Hugging Face Hub.
        benchmark: The benchmark.
        paper: The published scores, before and after, in percent.
    """

    table: str
    model: str
    benchmark: str
    paper: Scores

    @property
    def preset(self) -> Preset:
        """The preset that it starts from."""
        whole = self.benchmark.split("-")[0]
        (preset,) = (each for each in get_args(Preset) if PAPER_BENCHMARKS[each].benchmark == whole)
        return preset  # type: ignore[no-any-return]

    @property
    def changes(self) -> dict[str, Any]:
        """The options that differ from the preset's."""
        changes = {k: v for k, v in _OTHERWISE.get(self.model, {}).items() if k != "family"}
        if self.benchmark not in _LEVELS:
            return changes
        card = benchmark_card(self.benchmark)
        assert card.size is not None
        steps = card.size // _LEVEL_PROMPTS * _LEVEL_EPISODES
        return changes | {
            "env": card.env_id,
            "questions_per_step": _LEVEL_PROMPTS,
            "minibatches": _LEVEL_PROMPTS,
            "steps": steps,
            "warmup_steps": int(0.03 * steps),
        }

    @property
    def config(self) -> TrainConfig:
        """The options of the run, with vLLM for a sampler."""
        config = preset_config(self.preset, model=self.model, family=self.family)
        return replace(config, sampler="vllm", **self.changes)

    @property
    def family(self) -> Family | None:
        """The family, where the name of the model says another."""
        family: Family | None = _OTHERWISE.get(self.model, {}).get("family")
        return family

    def commands(self, run: str = "runs/RUN") -> tuple[str, str]:
        """Returns the commands that train, and that evaluate what was trained."""
        given: dict[str, Any] = {"preset": self.preset, "model": self.model}
        if self.family is not None:
            given["family"] = self.family
        given |= self.changes | {"sampler": "vllm", "output": run}
        words = ["ttrl", "train"]
        for name, value in given.items():
            words += [f"--{name.replace('_', '-')}", str(value)]
        evaluate = ["ttrl", "eval", run, "--env", self.config.env, "--k", str(self.config.eval_k)]
        return shlex.join(words), shlex.join([*evaluate, "--sampler", "vllm"])

    def gpu_hours(self) -> float:
        """Returns the estimated hours of one GPU; see `MEAN_TOKENS`, `PEAK` and the shares."""
        config, weights = self.config, model_shape(self.model).weights
        size = benchmark_card(self.benchmark).size
        assert size is not None
        assert config.family is not None
        assert config.n_train is not None
        tokens = MEAN_TOKENS[config.family]
        prompts = config.steps * config.questions_per_step
        measured = (config.steps / config.eval_every + 2) * size * config.eval_k
        sampling = _FORWARD * weights * tokens * (prompts * config.n_votes + measured)
        passes = _FORWARD + _RECOMPUTED + _BACKWARD + _FORWARD  # and the reference
        learning = passes * weights * tokens * prompts * config.n_train
        return (sampling / SAMPLING_SHARE + learning / LEARNING_SHARE) / PEAK / 3600


def recipes() -> list[Recipe]:
    """Returns all recipes, in the order of the paper."""
    return [
        Recipe(table, model, benchmark, scores)
        for table, models in ROWS.items()
        for model, benchmarks in models.items()
        for benchmark, scores in benchmarks.items()
    ]


def find_recipe(table: str, model: str, benchmark: str) -> Recipe:
    """Returns the recipe of a row.

    Raises:
        UnknownNameError: There is no such row.
    """
    by_table: Mapping[str, Any] = ROWS
    for kind, name in (("table", table), ("model", model), ("benchmark", benchmark)):
        if name not in by_table:
            raise unknown_name(kind, name, by_table)
        by_table = by_table[name]
    return Recipe(table, model, benchmark, ROWS[table][model][benchmark])
