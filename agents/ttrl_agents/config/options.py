"""The options that training and evaluation share.

- `SharedOptions`: questions, prompts, device and sampler.
- `parse_date`: the date of `--template-date`.
"""

from __future__ import annotations

import typing
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

from ttrl_agents.config.bounds import AT_LEAST_0, AT_LEAST_1, MORE_THAN_0, Bound, check_bounds
from ttrl_agents.config.groups import Heading
from ttrl_agents.config.name_value import KeyValues
from ttrl_agents.config.serialization import options_from_json, options_to_json
from ttrl_agents.errors import AgentError

__all__ = ["SharedOptions", "parse_date"]

Own = TypeVar("Own", bound="SharedOptions")


@dataclass(frozen=True)
class SharedOptions:
    """The options of `ttrl train` that `ttrl eval` has as well, with the same meaning.

    Raises:
        AgentError: A value is out of its range.
    """

    bounds: ClassVar[Mapping[str, Bound]] = {
        "seed": AT_LEAST_0,
        "max_prompt_tokens": AT_LEAST_1,
        "sample_rows": AT_LEAST_1,
        "engine_kv_gib": MORE_THAN_0,
        "engine_gpu_share": Bound("between 0 and 1", 0, 1, open_low=True, open_high=True),
        "engine_timeout": MORE_THAN_0,
    }
    """The range of each number; a subclass adds its own."""
    command: ClassVar[str] = "ttrl"
    """The command whose `--help` documents the options."""
    common: ClassVar[tuple[str, ...]] = ()
    """The options that the short help shows; all of them if none is named."""

    MODEL_AND_QUESTIONS: ClassVar[Heading]
    env: str = "TTRL-Arithmetic-v0"
    """Environment id, which names the questions."""
    data: Path | None = None
    """The file of questions, for benchmarks that are not embedded; by default they are looked for
    in TTRL_DATA_DIR and downloaded from their publisher."""
    env_options: KeyValues = field(default_factory=dict)
    """Options of the benchmark itself, as in level=3 or task=chain_sum; a wrong one lists those
    that there are."""
    instruction: str | None = None
    """What is appended to each question, '' for nothing; by default what the benchmark says, or
    where the trained model of a run is measured, what the run appended."""
    duplicates: Literal["error", "drop", "keep"] | None = None
    """What to do with questions that a file of your own holds more than once: raise an error that
    lists them (the default), drop all but the first of each, or keep them."""
    max_prompt_tokens: int | None = None
    """Leave out questions whose prompt is longer than this; by default none."""
    seed: int = 0
    """Names everything that is drawn: the order of questions and the completions."""
    chat_template: Path | None = None
    """A Jinja file that replaces the model's chat template."""
    template_date: str | None = None
    """The date that a chat template gets which asks for today's, as in 2026-11-28; by default that
    of the day on which the run begins, which is kept."""

    SAMPLING_AND_VOTES: ClassVar[Heading]
    stop_at_box: bool = False
    """End a completion with the token that closes the box of its answer too; not for chat templates
    that begin with a thought, where it would end that."""

    ENGINE: ClassVar[Heading]
    device: str = "auto"
    """auto (a GPU where there is one), cpu, cuda, cuda:N or mps (an Apple GPU)."""
    sampler: str = "transformers"
    """What draws completions: transformers (the model itself), vllm (an engine beside it), one that
    an installed package adds, or, for evaluation alone, vllm-server (a server that is running
    already). With the last two kinds a resumed evaluation is not bit for bit what it would have
    been."""
    sample_rows: int | None = None
    """The most completions sampled at once; by default what memory holds, or with vllm
    1,024 on GPU and 256 on CPU."""
    engine_kv_gib: float | None = None
    """Memory for vLLM's keys and values, in GiB; by default 1 on CPU, and on GPU what
    engine_gpu_share leaves beside the weights."""
    engine_gpu_share: float | None = None
    """The share of the GPU's memory that vLLM may take; by default half, but in training what the
    memory plan leaves."""
    engine_timeout: float = 600.0
    """Seconds of silence after which vLLM counts as hung and is started again."""
    weight_sync: Literal["auto", "ipc", "shared-memory"] = "auto"
    """The way of the weights to vLLM: ipc, within the GPU that it shares with the policy;
    shared-memory, through main memory; or auto, the first where it works, else the second."""

    def __post_init__(self) -> None:
        hints = typing.get_type_hints(type(self))
        for each in fields(self):  # a path may be given as text
            value = getattr(self, each.name)
            if isinstance(value, str) and Path in typing.get_args(hints[each.name]):
                object.__setattr__(self, each.name, Path(value))
        check_bounds(self, self.bounds)
        if self.instruction is not None and "instruction" in self.env_options:
            raise AgentError("instruction is given twice; leave it out of --env-options.")
        if self.template_date is not None:
            parse_date(self.template_date)

    def to_dict(self) -> dict[str, Any]:
        """Returns the options as JSON holds them."""
        return options_to_json(self)

    @classmethod
    def from_dict(cls: type[Own], values: Mapping[str, Any]) -> Own:
        """Returns the options that `to_dict` wrote; those that are missing have their defaults.

        Raises:
            AgentError: An option is unknown, or its value is of the wrong type or out of range.
        """
        return options_from_json(cls, values, cls.command)


def parse_date(text: str) -> datetime:
    """Returns the date of `--template-date`, at midnight.

    Raises:
        AgentError: It is not one.
    """
    try:
        return datetime.combine(date.fromisoformat(text), time())
    except ValueError as error:
        raise AgentError(
            f"--template-date {text!r} is not a date; write it as in 2026-11-28."
        ) from error
