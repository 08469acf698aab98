"""The command `ttrl`.

- `main`: the console script; every known error ends in a sentence.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence

__all__ = ["main"]

_FULL = {
    errno.ENOSPC: "The disk is full",
    errno.EDQUOT: "Your share of the disk is full",
    errno.EFBIG: "A file is larger than this system lets it be",
}
_EXTRA = "This command needs more than the core of ttrl-env: pip install 'ttrl-env[agents]'"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit status.

    Args:
        arguments: The command line; by default that of the process.

    Returns:
        0 if all went well, 1 after an error that the user can mend, 2 after a wrong option, 130
        after Ctrl-C.
    """
    # Threads that spin while they wait make shared cores several times slower. OpenMP reads this
    # when torch is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        import tyro

        from ttrl_agents.commands import commands_for
        from ttrl_agents.commands.exit_status import Exit
    except ImportError as error:
        return _say(f"{error}. {_EXTRA}")
    from ttrl_agents.errors import AgentError
    from ttrl_benchmarks import BenchmarkError

    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        tyro.extras.subcommand_cli_from_dict(
            commands_for(given),
            prog="ttrl",
            description="Reinforcement learning of language models without labels.",
            args=given or ["--help"],
        )
    except (AgentError, BenchmarkError) as error:
        return _say(str(error))
    except ImportError as error:
        return _say(f"{error}. {_EXTRA}")
    except OSError as error:
        if error.errno in _FULL:
            return _say(
                f"{_FULL[error.errno]} ({error.filename or 'while saving'}). What was saved "
                "before is whole: free some space, then ttrl train --resume RUN."
            )
        return _say(": ".join(filter(None, (error.strerror or str(error), error.filename))))
    except Exit as ended:
        return ended.status
    except KeyboardInterrupt:
        return _say("Stopped.", 130)
    return 0


def _say(sentence: str, status: int = 1) -> int:
    print(f"ttrl: {sentence}", file=sys.stderr)  # noqa: T201
    return status


if __name__ == "__main__":
    sys.exit(main())
