"""Every option of a probe, documented once.

- `ProbeConfig`: the options of `ttrl probe`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import tyro

from ttrl_agents.config.bounds import AT_LEAST_1, LEAST_TEMPERATURE, Bound
from ttrl_agents.config.eval_config import EvalConfig
from ttrl_agents.config.groups import Heading, in_help_order
from ttrl_agents.config.options import SharedOptions

__all__ = ["ProbeConfig"]


@in_help_order
@dataclass(frozen=True)
class ProbeConfig(SharedOptions):
    """Says whether a model is fit to learn without labels from some questions.

    Sampling is by default that of `ttrl train`: 16 votes at temperature 1, at most 256 tokens.

    Raises:
        AgentError: A value is out of its range.
    """

    bounds: ClassVar[Mapping[str, Bound]] = {
        **SharedOptions.bounds,
        "n_votes": Bound("2 or more", 2),
        "temperature": Bound("0.001 or more", LEAST_TEMPERATURE),
        "top_p": Bound("in (0, 1]", 0, 1, open_low=True),
        "max_tokens": AT_LEAST_1,
        "limit": AT_LEAST_1,
    }
    command: ClassVar[str] = "ttrl probe"

    MODEL_AND_QUESTIONS: ClassVar[Heading]
    model: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="[MODEL]")] = "tiny"
    """The model, as `ttrl eval` takes it: tiny or tiny-noisy, a folder, a GGUF file, or an id on
    the Hugging Face Hub."""
    split: Literal["train", "held_out"] | None = None
    """Which questions of a benchmark with a held-out split of its own (arithmetic); by default
    train."""
    levels: tuple[int, ...] = ()
    """Ask only the questions of these levels."""
    limit: int = 50
    """Ask at most so many questions, spread evenly over the benchmark."""

    SAMPLING_AND_VOTES: ClassVar[Heading]
    n_votes: int = 16
    """Votes on each question."""
    temperature: float = 1.0
    """Sampling temperature; take that of the training."""
    top_p: float = 1.0
    """Only the likeliest tokens that together have this probability are drawn; training draws from
    all."""
    max_tokens: int = 256
    """The most tokens of one completion; take that of the training."""

    SAVING: ClassVar[Heading]
    output: Path | None = None
    """Where the votes go, as an evaluation that `ttrl votes`, `ttrl revote` and `ttrl report` read;
    by default a new folder under runs/."""

    ENGINE: ClassVar[Heading]
    url: str | None = None
    """Where the vllm-server listens, e.g. http://localhost:8000. A key that it asks for is read
    from the environment variable VLLM_API_KEY."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.evaluation()  # which checks what only a server cannot do

    def evaluation(self) -> EvalConfig:
        """Returns the evaluation that collects the votes."""
        values: dict[str, Any] = {each.name: getattr(self, each.name) for each in fields(self)}
        return EvalConfig(k=values.pop("n_votes"), **values)
