"""An evaluation as the command line runs it: in this process, or in several.

- `run_evaluation`: runs it in this process, and in the others that were started with it.
- `measure_saving`: measures, and says how to go on where it was stopped.
- `launch_evaluation`: starts the processes of an evaluation.
- `launched_evaluation`: what each of them runs.
"""

from __future__ import annotations

import contextlib
import shlex
from dataclasses import replace
from typing import Any

from ttrl_agents.cli.exit_status import Exit
from ttrl_agents.cli.next_steps import after_evaluation, print_next
from ttrl_agents.cli.ranks import run_launched, speaking_once
from ttrl_agents.config.eval_config import EvalConfig
from ttrl_agents.distributed.launch import Launch, launch
from ttrl_agents.distributed.world import World, close_world, start_world
from ttrl_agents.errors import AgentError
from ttrl_agents.evaluate import Evaluation
from ttrl_agents.evaluate.display import EvaluationDisplay
from ttrl_agents.evaluate.runner import EvaluationRun, new_folder
from ttrl_agents.report import write_report
from ttrl_agents.run.output import Stopping, tell
from ttrl_agents.run.provenance import note_start

__all__ = ["launch_evaluation", "launched_evaluation", "measure_saving", "run_evaluation"]


class _Silent:
    """Watches an evaluation and says nothing."""

    def on_tokens(self, count: int) -> None:
        """Does nothing."""

    def on_questions(self, done: int) -> None:
        """Does nothing."""


def run_evaluation(config: EvalConfig) -> None:
    """Runs an evaluation in this process, and in the others that were started with it.

    Args:
        config: The options.

    Raises:
        Exit: It was stopped; what was measured is saved.
    """
    ranks = start_world(config.device)
    with speaking_once(ranks):
        _run(config, ranks)
    close_world()


def _run(config: EvalConfig, ranks: World) -> None:
    run = EvaluationRun(config)
    if not ranks.leads:
        run.run(_Silent())
        return
    display = EvaluationDisplay()
    evaluation = measure_saving(run, display, "ttrl eval --resume")
    write_report([run.folder.path])
    display.finish(run, evaluation)
    print_next(after_evaluation(run.folder.path))


def measure_saving(run: EvaluationRun, display: EvaluationDisplay, go_on: str) -> Evaluation:
    """Measures until the end, or until it is asked to stop, and then says how to go on.

    Args:
        run: The evaluation.
        display: Shows how far it is; it is closed afterwards.
        go_on: The command that goes on, up to the folder.

    Raises:
        Exit: It was stopped; what was measured is saved.
    """
    note_start(run.folder.path)
    with Stopping(_interrupt):
        try:
            display.start(run)
            return run.run(display)[0]
        except KeyboardInterrupt:
            display.close()
            tell(
                f"\n{len(run.results)} of {len(run.questions)} questions are saved. To go on: "
                f"{go_on} {shlex.quote(str(run.folder.path))}"
            )
            raise Exit(130) from None
        finally:
            display.close()


def _interrupt() -> None:
    raise KeyboardInterrupt


def launch_evaluation(how: Launch, config: EvalConfig) -> int:
    """Starts the processes of an evaluation; returns their exit status.

    Raises:
        AgentError: There are fewer GPUs, or a server samples.
    """
    if config.sampler == "vllm-server":
        raise AgentError("--sampler vllm-server samples on the server's GPUs; leave out --gpus.")
    how.check_device(config.device)
    new = config.output is None
    output = config.output or new_folder(config)
    status = launch(how, launched_evaluation, replace(config, output=output).to_dict())
    if status and new:
        with contextlib.suppress(OSError):
            output.rmdir()  # if the evaluation did not begin
    return status


def launched_evaluation(options: dict[str, Any]) -> int:
    """Runs an evaluation in a process that a launcher has started; returns its exit status."""
    config = EvalConfig.from_dict(options)
    return run_launched(lambda: run_evaluation(config), "eval")
