"""`ttrl eval`: measures a language model.

- `evaluate`: the command.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import tyro

from ttrl_agents.cli.exit_status import Exit
from ttrl_agents.cli.next_steps import after_evaluation, print_next
from ttrl_agents.config.eval_config import EvalConfig
from ttrl_agents.errors import AgentError

__all__ = ["evaluate"]


def evaluate(
    config: Annotated[EvalConfig, tyro.conf.arg(name="")] = EvalConfig(),  # noqa: B008
    resume: Path | None = None,
) -> None:
    """Measures a language model: mean@k, maj@k and pass@k, with 95 % intervals.

    Saves every completion. An interrupted evaluation is resumed by --resume or by the same command
    with the same --output, and gives the same files as an uninterrupted one. Questions without
    labels are asked too; if none has a label, the votes are reported instead of scores.

    Args:
        config: The options.
        resume: Resume the evaluation in this folder, with its own options; give no others.
    """
    from ttrl_agents.evaluate.display import EvaluationDisplay
    from ttrl_agents.evaluate.runner import EvaluationRun, evaluation_config
    from ttrl_agents.run.output import Stopping, tell

    if resume is not None:
        if config != EvalConfig():
            raise AgentError(
                "--resume takes the options of the evaluation itself; leave out the others."
            )
        config = evaluation_config(resume)
    run = EvaluationRun(config)
    display = EvaluationDisplay()
    with Stopping(_interrupt):
        try:
            display.start(run)
            evaluation, _ = run.run(display)
        except KeyboardInterrupt:
            display.close()
            tell(
                f"\n{len(run.results)} of {len(run.questions)} questions are saved. To go on: "
                f"ttrl eval --resume {shlex.quote(str(run.folder.path))}"
            )
            raise Exit(130) from None
        finally:
            display.close()
    display.finish(run, evaluation)
    print_next(after_evaluation(run.folder.path))


def _interrupt() -> None:
    raise KeyboardInterrupt
