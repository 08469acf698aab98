"""Every option of an evaluation, documented once.

- `EvalConfig`: the options of `ttrl eval`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import tyro

from ttrl_agents.config.bounds import AT_LEAST_1, LEAST_TEMPERATURE, Bound
from ttrl_agents.config.groups import Heading, in_help_order
from ttrl_agents.config.options import SharedOptions
from ttrl_agents.errors import AgentError

__all__ = ["EvalConfig"]


@in_help_order
@dataclass(frozen=True)
class EvalConfig(SharedOptions):
    """Measures a language model: mean@k, maj@k and pass@k, with 95 % intervals.

    Sampling is by default that of the TTRL paper (arXiv 2504.16084): 16 completions at
    temperature 0.6 and top-p 0.95.

    Raises:
        AgentError: A value is out of its range.
    """

    bounds: ClassVar[Mapping[str, Bound]] = {
        **SharedOptions.bounds,
        "k": AT_LEAST_1,
        "temperature": Bound("0, or 0.001 or more", LEAST_TEMPERATURE, or_0=True),
        "top_p": Bound("in (0, 1]", 0, 1, open_low=True),
        "max_tokens": AT_LEAST_1,
        "limit": AT_LEAST_1,
        "portion": AT_LEAST_1,
    }
    command: ClassVar[str] = "ttrl eval"

    MODEL_AND_QUESTIONS: ClassVar[Heading]
    model: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="[MODEL]")] = "tiny"
    """tiny or tiny-noisy (they ship with the package), the folder of a Hugging Face checkpoint or
    of a run, a GGUF file or the folder of one, or an id on the Hugging Face Hub. With --sampler
    vllm-server, the name that the server has for it, or - for the only one that it serves."""
    split: Literal["train", "held_out"] | None = None
    """Which questions of a benchmark with a held-out split of its own (arithmetic); by default
    train."""
    levels: tuple[int, ...] = ()
    """Ask only the questions of these levels."""
    limit: int | None = None
    """Ask only so many questions, spread evenly over the benchmark."""

    SAMPLING_AND_VOTES: ClassVar[Heading]
    k: int = 16
    """Completions for each question."""
    temperature: float = 0.6
    """Sampling temperature."""
    top_p: float = 0.95
    """Only the likeliest tokens that together have this probability are drawn."""
    greedy: bool = False
    """One completion for each question, always the likeliest token: k is 1, temperature 0."""
    max_tokens: int | None = None
    """The most tokens of one completion; by default 3072, the paper's, or what the model has room
    for."""

    SAVING: ClassVar[Heading]
    output: Path | None = None
    """Where completions and scores go; by default a new folder under runs/. If that evaluation is
    not finished, it goes on."""
    portion: int | None = None
    """Questions that are sampled at once and then saved; more can be faster, fewer lose less when
    the evaluation is stopped. By default what makes 256 completions."""

    ENGINE: ClassVar[Heading]
    url: str | None = None
    """Where the vllm-server listens, e.g. http://localhost:8000. A key that it asks for is read
    from the environment variable VLLM_API_KEY."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.url is not None and self.sampler != "vllm-server":
            raise AgentError(f"--url {self.url} is for --sampler vllm-server; give that too.")
        if self.chat_template is not None and self.sampler == "vllm-server":
            raise AgentError(
                f"--chat-template {self.chat_template} does not reach a server, which has its own: "
                "give it to vllm serve."
            )
        if self.max_prompt_tokens is not None and self.sampler == "vllm-server":
            raise AgentError(
                "--max-prompt-tokens counts tokens with the model's tokenizer, which a server does "
                "not lend; leave it out."
            )

    @property
    def votes(self) -> int:
        """Completions for each question: equal ones, as greedy decoding gives, are not repeated."""
        return 1 if self.greedy or self.temperature == 0 else self.k
