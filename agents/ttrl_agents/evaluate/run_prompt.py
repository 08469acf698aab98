"""The prompt that a run asked its questions with, for evaluations of its model.

- `with_prompt_of_run`: the options of an evaluation, with the instruction and the date of the run
  whose model it measures.

The chat template needs no look: it is saved with the model.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from ttrl_agents.config.eval_config import EvalConfig
from ttrl_agents.run.folder import CONFIG

__all__ = ["with_prompt_of_run"]

# RUN, RUN/checkpoint, RUN/checkpoints/best and RUN/checkpoints/best/model.
_LEVELS = 4
_OF_A_RUN = {"questions_per_step", "n_votes", "reward"}


def with_prompt_of_run(config: EvalConfig) -> EvalConfig:
    """Returns the options, with the run's own prompt where its model is measured.

    What the options say themselves stays as it is.

    Args:
        config: The options; `model` may be the folder of a run, or one of its checkpoints.
    """
    run = _options_of_run(Path(config.model).expanduser())
    if run is None:
        return config
    instruction = config.instruction
    if instruction is None and "instruction" not in config.env_options:
        instruction = _text(run.get("instruction"))
        if instruction is None:
            instruction = _text((run.get("env_options") or {}).get("instruction"))
    return replace(
        config,
        instruction=instruction,
        template_date=config.template_date or _text(run.get("template_date")),
    )


def _options_of_run(model: Path) -> dict[str, Any] | None:
    if not model.is_dir():
        return None
    for folder in (model, *model.resolve().parents)[:_LEVELS]:
        try:
            found = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            continue  # the model's own config.json stands on the way, and may be missing
        if isinstance(found, dict) and found.keys() >= _OF_A_RUN:
            return found
    return None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
