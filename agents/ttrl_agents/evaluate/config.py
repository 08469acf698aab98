"""Every option of an evaluation, documented once.

- `EvalConfig`: the options of `ttrl eval`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from ttrl_agents.config.serialization import option_name, options_from_json, options_to_json
from ttrl_agents.errors import AgentError

__all__ = ["EvalConfig"]


@dataclass(frozen=True)
class EvalConfig:
    """Measures a language model: mean@k, maj@k and pass@k, with 95 % intervals.

    Sampling is by default that of the TTRL paper (arXiv 2504.16084): 16 completions at
    temperature 0.6 and top-p 0.95.

    Raises:
        AgentError: A value is out of its range.
    """

    model: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="[MODEL]")] = "tiny"
    """tiny or tiny-noisy (they ship with the package), the folder of a Hugging Face checkpoint or
    of a run, a GGUF file or the folder of one, or an id on the Hugging Face Hub. With --sampler
    vllm-server, the name that the server has for it, or - for the only one that it serves."""
    env: str = "TTRL-Arithmetic-v0"
    """Environment id, which names the questions."""
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
    stop_at_box: bool = False
    """End a completion with the token that closes the box of its answer too; not for chat templates
    that begin with a thought, where it would end that."""
    output: Path | None = None
    """Where completions and scores go; by default a new folder under runs/. If that evaluation is
    not finished, it goes on."""
    seed: int = 0
    """Names everything that is drawn."""
    data: Path | None = None
    """The file of questions, for benchmarks that are not embedded; by default they are looked for
    in TTRL_DATA_DIR and downloaded from their publisher."""
    split: Literal["train", "held_out"] | None = None
    """Which questions of a benchmark with a held-out split of its own (arithmetic); by default
    train."""
    levels: tuple[int, ...] = ()
    """Ask only the questions of these levels."""
    limit: int | None = None
    """Ask only so many questions, spread evenly over the benchmark."""
    device: str = "auto"
    """auto (a GPU where there is one), cpu, cuda or cuda:N."""
    chat_template: Path | None = None
    """A Jinja file that replaces the model's chat template."""
    portion: int | None = None
    """Questions that are sampled at once and then saved; more can be faster, fewer lose less when
    the evaluation is stopped. By default what makes 256 completions."""
    sample_rows: int | None = None
    """The most completions sampled at once; by default what memory holds, or 256 with vllm."""
    sampler: Literal["transformers", "vllm", "vllm-server"] = "transformers"
    """What draws completions: the model itself, a vLLM engine, or a vLLM server that is running
    already. With the last two, one that is resumed is not bit for bit what it would have been."""
    url: str | None = None
    """Where the vllm-server listens, e.g. http://localhost:8000. A key that it asks for is read
    from the environment variable VLLM_API_KEY."""
    engine_kv_gib: float | None = None
    """Memory for vLLM's keys and values, in GiB; by default 1 on CPU, and on GPU what
    engine_gpu_share leaves beside the weights."""
    engine_gpu_share: float = 0.5
    """The share of the GPU's memory that vLLM may take."""
    engine_timeout: float = 600.0
    """Seconds of silence after which vLLM counts as hung; an engine is then started anew, once."""

    def __post_init__(self) -> None:
        for name in ("k", "max_tokens", "limit", "portion", "sample_rows"):
            value = getattr(self, name)
            self._require(name, value is None or value >= 1, "1 or more")
        self._require("seed", self.seed >= 0, "0 or more")
        self._require("temperature", self.temperature >= 0, "0 or more")
        self._require("top_p", 0 < self.top_p <= 1, "in (0, 1]")
        self._require("engine_kv_gib", (self.engine_kv_gib or 1) > 0, "more than 0")
        self._require("engine_gpu_share", 0 < self.engine_gpu_share < 1, "between 0 and 1")
        self._require("engine_timeout", self.engine_timeout > 0, "more than 0")
        if self.url is not None and self.sampler != "vllm-server":
            raise AgentError(f"--url {self.url} is for --sampler vllm-server; give that too.")
        if self.chat_template is not None and self.sampler == "vllm-server":
            raise AgentError(
                f"--chat-template {self.chat_template} does not reach a server, which has its own: "
                "give it to vllm serve."
            )

    @property
    def votes(self) -> int:
        """Completions for each question: equal ones, as greedy decoding gives, are not repeated."""
        return 1 if self.greedy or self.temperature == 0 else self.k

    def to_dict(self) -> dict[str, Any]:
        """Returns the options as JSON holds them."""
        return options_to_json(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> EvalConfig:
        """Returns the options that `to_dict` wrote; those that are missing have their defaults.

        Raises:
            AgentError: An option is unknown, or its value is of the wrong type or out of range.
        """
        return options_from_json(cls, values, "ttrl eval")

    def _require(self, name: str, holds: bool, what: str) -> None:
        if not holds:
            raise AgentError(f"{option_name(name)} must be {what}, not {getattr(self, name)}.")
