"""The errors that a user can mend, and the sentence that lists close names.

- `UserError`: the root of the errors below and of those of the other packages.
- `BenchmarkError`: whatever is wrong with a benchmark or its data, in one sentence.
- `BenchmarkWarning`: data that is used, although something of it seems wrong.
- `UnknownNameError`: a name that nothing answers to.
- `unknown_name`: builds the latter, with the names that come close.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["BenchmarkError", "BenchmarkWarning", "UnknownNameError", "UserError", "unknown_name"]


class UserError(Exception):
    """Something that the user can mend; the message says how.

    `BenchmarkError`, `UnknownNameError`, `ttrl_env.consensus.RewardError` and
    `ttrl_agents.errors.AgentError` are its kinds. The command `ttrl` prints the message of any of
    them and ends with status 1.
    """


class BenchmarkError(UserError, ValueError):
    """A benchmark that cannot be built or read; the message says what to do."""


class BenchmarkWarning(UserWarning):
    """Data that is used, because its path was given, although something of it seems wrong."""


class UnknownNameError(UserError, ValueError):
    """No benchmark, environment, reward, model or option has this name."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UnknownNameError:
    """Builds the error for a name that is not known, with the names that come close.

    Args:
        kind: What was looked for, e.g. `"benchmark"`.
        name: The name that was asked for.
        known: Every name that exists.

    Returns:
        The error, for the caller to raise.

    >>> str(unknown_name("reward", "majorty", ["majority", "oracle"]))
    "Unknown reward 'majorty'. Did you mean 'majority'? Known: majority, oracle."
    """
    names = sorted(known)
    lowered = {each.lower(): each for each in names}
    close = [
        lowered[match]
        for match in difflib.get_close_matches(name.lower(), list(lowered), n=3, cutoff=0.5)
    ]
    hint = " Did you mean " + " or ".join(repr(each) for each in close) + "?" if close else ""
    listing = ", ".join(names) if names else "none"
    return UnknownNameError(f"Unknown {kind} {name!r}.{hint} Known: {listing}.")
