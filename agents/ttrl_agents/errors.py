"""The errors that end a command in a sentence.

- `AgentError`: whatever a user can mend: a model, an option, a file, a device.
"""

__all__ = ["AgentError"]


class AgentError(RuntimeError):
    """Something that the user can mend; the message says how."""
