"""The settings of the TTRL paper (arXiv 2504.16084), by benchmark and by family of models.

- `PAPER_BENCHMARKS`: what the paper sets for each benchmark; `PaperBenchmark` is a row.
- `PAPER_FAMILIES`: what it sets for each family of models; `PaperFamily` is a row.
- `preset_config`: both, as the options of a run.
- `family_of`: the family of a model, by its name and its chat template.

What the paper leaves open, and what its scripts set otherwise than its text, is told in
docs/training.md.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from ttrl_agents.config.train_config import Family, Preset, TrainConfig
from ttrl_benchmarks import BenchmarkError, benchmark_card
from ttrl_benchmarks.errors import unknown_name

__all__ = [
    "PAPER_BENCHMARKS",
    "PAPER_FAMILIES",
    "PaperBenchmark",
    "PaperFamily",
    "family_of",
    "preset_config",
]

# The smallest of the paper's models; --model names another.
DEFAULT_MODEL = "Qwen/Qwen2.5-Math-1.5B"
_WARMUP_SHARE = 0.03


@dataclass(frozen=True)
class PaperBenchmark:
    """What the paper sets for a benchmark; of GPQA it publishes no settings, and they are ours.

    Attributes:
        benchmark: Its name.
        prompts: Questions in a step.
        episodes: Passes over the questions.
        max_prompt_tokens: Longer prompts are left out.
    """

    benchmark: str
    prompts: int
    episodes: int
    max_prompt_tokens: int

    @property
    def steps(self) -> int:
        """Steps in all: a pass has as many whole batches as there are, its rest left over."""
        size = benchmark_card(self.benchmark).size
        if size is None:
            raise BenchmarkError(f"Benchmark {self.benchmark!r} has no size of its own.")
        return size // self.prompts * self.episodes


@dataclass(frozen=True)
class PaperFamily:
    """What the paper sets for a family of models.

    Attributes:
        title: The family, in words.
        temperature: Of sampling in training.
        instruction: What is appended to a question; `None` is the benchmark's own.
        max_tokens: The most tokens of a completion.
        eval_k: Completions for each question in an evaluation.
    """

    title: str
    temperature: float
    instruction: str | None
    max_tokens: int
    eval_k: int


PAPER_BENCHMARKS: dict[Preset, PaperBenchmark] = {
    "paper/aime24": PaperBenchmark("aime24", prompts=8, episodes=80, max_prompt_tokens=512),
    "paper/amc": PaperBenchmark("amc", prompts=8, episodes=30, max_prompt_tokens=1024),
    "paper/math500": PaperBenchmark("math500", prompts=32, episodes=10, max_prompt_tokens=1024),
    # Not published: between AMC and MATH-500, which have fewer and more questions.
    "paper/gpqa": PaperBenchmark("gpqa", prompts=16, episodes=20, max_prompt_tokens=2048),
}

PAPER_FAMILIES: dict[Family, PaperFamily] = {
    # Its chat template gives the instruction already.
    "qwen2.5-math": PaperFamily("Qwen2.5-Math", 1.0, "", max_tokens=3072, eval_k=16),
    "instruct": PaperFamily("a model that answers at once", 0.6, None, 3072, 16),
    "reasoning": PaperFamily("a model that thinks first", 1.0, None, 32_768, 4),
}

_NAMES: tuple[tuple[str, Family], ...] = (
    (r"qwen2\.?5-math", "qwen2.5-math"),
    (r"deepseek-r1|skywork-or1|qwq|qwen3(?!.*(?:instruct|base))|thinking|reasoning", "reasoning"),
)


def preset_config(
    preset: Preset, *, model: str = DEFAULT_MODEL, family: Family | None = None
) -> TrainConfig:
    """Returns the paper's settings for a benchmark and a model.

    Args:
        preset: The benchmark, `"paper/aime24"`, `"paper/amc"`, `"paper/math500"` or `"paper/gpqa"`.
        model: The model, as `load_policy` takes it; it is not loaded.
        family: Whose settings to take; by default those of `family_of(model)`.

    Raises:
        UnknownNameError: There is no such preset or family.

    >>> config = preset_config("paper/aime24")
    >>> config.family, config.steps, config.n_votes, config.temperature
    ('qwen2.5-math', 240, 64, 1.0)
    """
    if preset not in PAPER_BENCHMARKS:
        raise unknown_name("preset", preset, PAPER_BENCHMARKS)
    if family is None:
        family = family_of(model)
    elif family not in PAPER_FAMILIES:
        raise unknown_name("family", family, PAPER_FAMILIES)
    row, kind = PAPER_BENCHMARKS[preset], PAPER_FAMILIES[family]
    return TrainConfig(
        preset=preset,
        family=family,
        model=model,
        env=benchmark_card(row.benchmark).env_id,
        instruction=kind.instruction,
        reward="majority",
        steps=row.steps,
        questions_per_step=row.prompts,
        n_votes=64,
        n_train=32,
        max_tokens=kind.max_tokens,
        max_prompt_tokens=row.max_prompt_tokens,
        temperature=kind.temperature,
        learning_rate=5e-7,
        warmup_steps=int(_WARMUP_SHARE * row.steps),
        schedule="warmup-cosine",
        adam_beta2=0.999,
        weight_decay=0.01,
        max_grad_norm=1.0,
        algorithm="grpo",
        epochs=1,
        minibatches=row.prompts,  # one question an update: the reference's mini_batch=1
        aggregation="token",
        scale_by_std=True,
        clip_low=0.2,
        clip_high=0.2,
        dual_clip=3.0,
        kl_in="loss",
        kl_estimator="k3",
        kl_coef=0.001,
        eval_k=kind.eval_k,
        eval_temperatures=(0.6,),
        eval_top_p=0.95,
        eval_every=2,
    )


def family_of(model: str) -> Family:
    r"""Returns the family of a model.

    Its name decides where it says so; then, for a folder, its chat template: one that asks for
    `\boxed{}` by itself is that of Qwen2.5-Math, one that opens with thoughts is a reasoner's.
    Everything else answers at once.

    >>> family_of("Qwen/Qwen2.5-Math-7B"), family_of("meta-llama/Llama-3.1-8B-Instruct")
    ('qwen2.5-math', 'instruct')
    """
    folder = Path(model).expanduser()
    settings = _read_json(folder / "config.json")
    # Its own name, not that of where it lies; a GGUF file is often named by its folder alone.
    own = folder.parts[-2:] if folder.suffix == ".gguf" else folder.parts[-1:]
    names = " ".join((*own, Path(str(settings.get("_name_or_path") or "")).name))
    for pattern, family in _NAMES:
        if re.search(pattern, names, re.IGNORECASE):
            return family
    template = _chat_template(folder)
    if "\\boxed" in template:
        return "qwen2.5-math"
    return "reasoning" if "<think>" in template else "instruct"


def _chat_template(folder: Path) -> str:
    file = folder / "chat_template.jinja"
    if file.is_file():
        return file.read_text(encoding="utf-8", errors="replace")
    return str(_read_json(folder / "tokenizer_config.json").get("chat_template") or "")


def _read_json(path: Path) -> dict[str, object]:
    # A guess needs no complaint: loading the model says what is wrong with its files.
    if not path.is_file():
        return {}
    try:
        values = json.loads(path.read_text(encoding="utf-8", errors="replace"))
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}
