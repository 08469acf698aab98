"""The error of this package.

- `RewardError`: a reward that cannot be made, or cannot do its work, in one sentence.
"""

from __future__ import annotations

from ttrl_benchmarks.errors import UserError

__all__ = ["RewardError"]


class RewardError(UserError, ValueError):
    """A reward that cannot be made, or cannot do its work; the message says what to do."""
