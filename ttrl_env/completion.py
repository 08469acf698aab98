"""What a policy hands to an environment: text that remembers how it was sampled.

- `Completion`: a `str` with its token ids, their log-probabilities and whether it finished.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ttrl_env.prompt import check_text

__all__ = ["Completion"]


class Completion(str):
    r"""A completion: a string to every environment, with what a learner needs beside it.

    It is an ordinary string wherever one is expected; slicing or joining gives a plain `str`.
    Plain strings are accepted wherever completions are: what they lack is then unknown.

    Args:
        text: The decoded completion, without the prompt and without end-of-text tokens.
        token_ids: The sampled tokens, shape (length,), int64, the end-of-text token included.
        log_probs: The log-probability of each under the distribution that it was sampled from
            (temperature and truncation included), shape (length,), float32, in nats.
        finished: Whether the policy ended the completion itself; `False` if it ran into the
            length limit.

    Raises:
        TypeError: `text` is no string.
        ValueError: `token_ids` and `log_probs` differ in length.

    >>> completion = Completion(r"\boxed{7}", token_ids=[5, 6, 2], log_probs=[-0.1, -0.2, 0.0])
    >>> completion == r"\boxed{7}", completion.finished, len(completion.token_ids)
    (True, True, 3)
    """

    __slots__ = ("finished", "log_probs", "token_ids")

    token_ids: npt.NDArray[np.int64] | None
    log_probs: npt.NDArray[np.float32] | None
    finished: bool

    def __new__(
        cls,
        text: str = "",
        *,
        token_ids: npt.ArrayLike | None = None,
        log_probs: npt.ArrayLike | None = None,
        finished: bool = True,
    ) -> Completion:
        """Builds the string and checks what goes with it."""
        self = super().__new__(cls, check_text(text))
        self.token_ids = None if token_ids is None else np.asarray(token_ids, dtype=np.int64)
        self.log_probs = None if log_probs is None else np.asarray(log_probs, dtype=np.float32)
        self.finished = finished
        if (
            self.token_ids is not None
            and self.log_probs is not None
            and self.token_ids.shape != self.log_probs.shape
        ):
            raise ValueError(
                f"{self.token_ids.size} token ids but {self.log_probs.size} log-probabilities"
            )
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        arguments = (str(self), self.token_ids, self.log_probs, self.finished)
        return _restore, arguments


def _restore(
    text: str,
    token_ids: npt.NDArray[np.int64] | None,
    log_probs: npt.NDArray[np.float32] | None,
    finished: bool,
) -> Completion:
    return Completion(text, token_ids=token_ids, log_probs=log_probs, finished=finished)
