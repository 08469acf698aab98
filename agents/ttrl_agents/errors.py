"""The error and the warning of this package.

- `AgentError`: a model, an option, a file or a device that the user can mend.
- `PolicyWarning`: something about a model that makes good completions unlikely.
- `UserError`: the root of all such errors, those of the other packages included.
"""

from ttrl_benchmarks.errors import UserError

__all__ = ["AgentError", "PolicyWarning", "UserError"]


class AgentError(UserError, RuntimeError):
    """A model, an option, a file or a device that cannot be used; the message says what to do."""


class PolicyWarning(UserWarning):
    """Something about a model that makes good completions unlikely."""
