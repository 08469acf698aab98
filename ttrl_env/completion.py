"""The completions that a policy gives to an environment: text that knows how it was sampled.

- `Completion`: a `str` with its token ids, what is known of each, and whether it finished.
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
        entropies: The entropy of the distribution that each token was drawn from, before any
            truncation, shape (length,), float32, in nats.
        self_certainties: How far that distribution is from uniform, shape (length,), float32:
            logsumexp(z) - mean(z) over the vocabulary, with z the logits divided by the
            temperature. This is KL(U || p) + log V, in nats.
        thinking: Whether the prompt, as the model read it, ended inside a thought, as that of many
            reasoning models does (see `ttrl_env.answers.opens_thinking`). Such a completion gives
            an answer only after it has ended the thought.

    Raises:
        TypeError: `text` is not a string.
        ValueError: What is given for each token differs in length.

    >>> completion = Completion(r"\boxed{7}", token_ids=[5, 6, 2], log_probs=[-0.1, -0.2, 0.0])
    >>> completion == r"\boxed{7}", completion.finished, len(completion.token_ids)
    (True, True, 3)
    """

    __slots__ = ("entropies", "finished", "log_probs", "self_certainties", "thinking", "token_ids")

    token_ids: npt.NDArray[np.int64] | None
    log_probs: npt.NDArray[np.float32] | None
    finished: bool
    entropies: npt.NDArray[np.float32] | None
    self_certainties: npt.NDArray[np.float32] | None
    thinking: bool

    def __new__(
        cls,
        text: str = "",
        *,
        token_ids: npt.ArrayLike | None = None,
        log_probs: npt.ArrayLike | None = None,
        finished: bool = True,
        entropies: npt.ArrayLike | None = None,
        self_certainties: npt.ArrayLike | None = None,
        thinking: bool = False,
    ) -> Completion:
        """Builds the string and checks what goes with it."""
        self = super().__new__(cls, check_text(text))
        self.token_ids = None if token_ids is None else np.asarray(token_ids, dtype=np.int64)
        self.log_probs = _floats(log_probs)
        self.finished = finished
        self.entropies = _floats(entropies)
        self.self_certainties = _floats(self_certainties)
        self.thinking = thinking
        columns = {
            "token ids": self.token_ids,
            "log-probabilities": self.log_probs,
            "entropies": self.entropies,
            "self-certainties": self.self_certainties,
        }
        known = {name: column for name, column in columns.items() if column is not None}
        if len({column.shape for column in known.values()}) > 1:
            sizes = [f"{column.size} {name}" for name, column in known.items()]
            raise ValueError(" but ".join(sizes))
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        arguments = (
            str(self),
            self.token_ids,
            self.log_probs,
            self.finished,
            self.entropies,
            self.self_certainties,
            self.thinking,
        )
        return _restore, arguments


def _floats(values: npt.ArrayLike | None) -> npt.NDArray[np.float32] | None:
    return None if values is None else np.asarray(values, dtype=np.float32)


def _restore(
    text: str,
    token_ids: npt.NDArray[np.int64] | None,
    log_probs: npt.NDArray[np.float32] | None,
    finished: bool,
    entropies: npt.NDArray[np.float32] | None = None,
    self_certainties: npt.NDArray[np.float32] | None = None,
    thinking: bool = False,
) -> Completion:
    # The last three have defaults, as what was pickled before there were any can be read still.
    return Completion(
        text,
        token_ids=token_ids,
        log_probs=log_probs,
        finished=finished,
        entropies=entropies,
        self_certainties=self_certainties,
        thinking=thinking,
    )
