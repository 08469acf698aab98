"""`ttrl eval`: measures a language model.

- `evaluate`: the command.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro

from ttrl_agents.cli.exit_status import Exit
from ttrl_agents.config.eval_config import EvalConfig
from ttrl_agents.distributed.launch import Launch
from ttrl_agents.errors import AgentError

__all__ = ["evaluate"]


def evaluate(
    config: Annotated[EvalConfig, tyro.conf.arg(name="")] = EvalConfig(),  # noqa: B008
    resume: Path | None = None,
    gpus: int = 1,
) -> None:
    """Measures a language model: mean@k, maj@k and pass@k, with 95 % intervals.

    Saves every completion. An interrupted evaluation is resumed by --resume or by the same command
    with the same --output, and gives the same files as an uninterrupted one. Questions without
    labels are asked too; if none has a label, the votes are reported instead of scores.

    Args:
        config: The options.
        resume: Resume the evaluation in this folder, with its own options; give no others.
        gpus: Divide the questions among so many processes, one for each GPU; with --device cpu
            among that many without one.
    """
    from ttrl_agents.cli.measuring import launch_evaluation, run_evaluation  # which import torch
    from ttrl_agents.evaluate.runner import evaluation_config

    if resume is not None:
        if config != EvalConfig():
            raise AgentError(
                "--resume takes the options of the evaluation itself; leave out the others."
            )
        config = evaluation_config(resume)
    how = Launch(gpus)
    if how.several:
        raise Exit(launch_evaluation(how, config))
    run_evaluation(config)
