"""Commands that run in several processes: started here, and run in each.

- `launch_training`: starts the processes of a training run.
- `launched_training`: what each of them runs.
- `speaking_once`: lets only the leading process tell of an error that all have.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ttrl_agents.cli.exit_status import Exit
from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.distributed.failures import LostRankError, is_told
from ttrl_agents.distributed.launch import RETRY, Launch, asked_to_stop, launch
from ttrl_agents.distributed.world import World
from ttrl_agents.errors import AgentError
from ttrl_agents.run.atomic import claim_folder
from ttrl_agents.run.folder import check_usable, run_folder_name

__all__ = ["launch_training", "launched_training", "speaking_once"]


def launch_training(how: Launch, config: TrainConfig, *, resume: bool) -> int:
    """Starts the processes of a training run; returns their exit status.

    Args:
        how: The processes.
        config: The options of the run.
        resume: Whether it resumes the run in `config.output`. Processes that are started again
            always do.

    Raises:
        AgentError: There are fewer GPUs, or the folder of the run cannot be used.
    """
    how.check_device(config.device)
    if config.output is not None:
        if how.machines == 1:  # on several, another may have begun already
            check_usable(config.output, resume=resume)
        return launch(how, launched_training, config.to_dict())
    if how.machines > 1:
        raise AgentError(
            f"--machines {how.machines} need --output FOLDER, on a file system that all of them "
            "share. The same command resumes the run."
        )
    config = replace(config, output=claim_folder(run_folder_name(config)))
    status = launch(how, launched_training, config.to_dict())
    if status and config.output is not None:
        with contextlib.suppress(OSError):
            config.output.rmdir()  # if the run did not begin
    return status


def launched_training(options: dict[str, Any]) -> int:
    """Runs a training run in a process that a launcher has started; returns its exit status."""
    from ttrl_agents.cli.entry import run_command
    from ttrl_agents.cli.train import run_training

    if asked_to_stop():
        return 130
    config = TrainConfig.from_dict(options)
    try:
        status = run_command(lambda: run_training(config, resume=True), "train")
    except KeyboardInterrupt:
        return 130
    if status == RETRY:
        sys.exit(RETRY)  # for the launcher, the process has died
    return status


@contextlib.contextmanager
def speaking_once(ranks: World) -> Iterator[None]:
    """Makes an error on one rank an error on all, of which only the leader tells.

    Raises:
        Exit: On the other ranks; on all of them with the status `RETRY` if a rank has ended.
    """
    try:
        with ranks.agreement():
            yield
    except LostRankError as error:
        if ranks.local_rank == 0:
            print(f"ttrl: {error}", file=sys.stderr)  # noqa: T201
        raise Exit(RETRY) from error
    except Exit:
        raise
    except Exception as error:
        if ranks.leads or not is_told(error):
            raise
        raise Exit(1) from error
