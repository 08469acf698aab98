"""Exit statuses other than 0.

- `Exit`: ends the process with a status, after all messages have been printed.
"""

__all__ = ["Exit"]


class Exit(Exception):  # noqa: N818 - not always an error
    """Ends the process with a status.

    Attributes:
        status: The exit status.
    """

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status
