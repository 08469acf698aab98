"""Actions as token ids, for policies that do not return text.

- `TokenActions`: the wrapper.
- `Tokenizer`: what it needs of a tokenizer.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from gymnasium.spaces import Box
from gymnasium.vector import VectorActionWrapper, VectorEnv
from gymnasium.vector.utils import batch_space

from ttrl_env.completion import Completion

__all__ = ["TokenActions", "Tokenizer"]


class Tokenizer(Protocol):
    """The method that a tokenizer needs; those of `transformers` have it."""

    def batch_decode(
        self,
        sequences: Sequence[Sequence[int]],
        *,
        skip_special_tokens: bool,
        clean_up_tokenization_spaces: bool,
    ) -> list[str]:
        """Returns the text of each sequence of token ids."""
        ...


class TokenActions(VectorActionWrapper):
    """Takes each completion as a row of token ids, padded on the right.

    A step takes an integer array of shape (num_envs, length), `length` at most `max_tokens`, from
    NumPy or, on any device, from PyTorch. A row ends with its first end-of-text token; without
    one, with its last token that is not padding, and then it counts as cut off. All rows are
    decoded in one call, and the completions carry their ids on. To hand over log-probabilities
    too, step the environment inside with what `decode` returns.

    Args:
        env: The vector environment.
        tokenizer: Decodes; one of `transformers`, or anything with the same `batch_decode`.
        max_tokens: The most tokens of a completion.
        vocab_size: Ids run from 0 to `vocab_size` - 1. Take the width of the model's logits: it
            is often larger than what the tokenizer says.
        end_token_ids: Ids that end a completion.
        pad_token_id: The id that fills rows up; one of `end_token_ids`, or any other.
        thinking: Whether the chat template, which is applied outside, ends prompts inside a thought
            (see `ttrl_env.answers.opens_thinking`).

    Raises:
        ValueError: A number is out of range.

    >>> import gymnasium as gym
    >>> class Digits:
    ...     def batch_decode(self, sequences, **options):
    ...         return ["".join(str(i) for i in ids if i < 10) for ids in sequences]
    >>> envs = gym.make_vec("TTRL-Arithmetic-v0", num_envs=2, group_size=2)
    >>> envs = TokenActions(
    ...     envs, Digits(), max_tokens=4, vocab_size=11, end_token_ids=[10], pad_token_id=10
    ... )
    >>> envs.decode(np.array([[4, 2, 10, 10], [4, 2, 0, 0]]))
    ['42', '4200']
    """

    def __init__(
        self,
        env: VectorEnv[Any, Any, Any],
        tokenizer: Tokenizer,
        *,
        max_tokens: int,
        vocab_size: int,
        end_token_ids: Collection[int],
        pad_token_id: int,
        thinking: bool = False,
    ) -> None:
        super().__init__(env)
        if max_tokens < 1:
            raise ValueError(f"max_tokens must be 1 or more, not {max_tokens}")
        if not end_token_ids or not all(0 <= each < vocab_size for each in end_token_ids):
            raise ValueError(
                f"end_token_ids must be one or more ids from 0 to vocab_size - 1 = "
                f"{vocab_size - 1}, not {list(end_token_ids)}"
            )
        self._tokenizer = tokenizer
        self._max_tokens = max_tokens
        self._vocab_size = vocab_size
        self._ends = np.array(sorted(end_token_ids), dtype=np.int64)
        self._pad = pad_token_id
        self._thinking = thinking
        self.single_action_space = Box(
            min(0, pad_token_id), max(vocab_size - 1, pad_token_id), (max_tokens,), np.int64
        )
        self.action_space = batch_space(self.single_action_space, self.num_envs)

    def actions(self, actions: Any) -> list[Completion]:
        """Decodes a batch of token ids."""
        return self.decode(actions)

    def decode(self, token_ids: Any, log_probs: Any = None) -> list[Completion]:
        """Turns rows of token ids into completions.

        Args:
            token_ids: Integers of shape (num_envs, length), padded on the right.
            log_probs: The log-probability of each, in the same shape, if known.

        Raises:
            TypeError: The ids are not integers.
            ValueError: A shape does not fit, an id is out of range, or a row is padded elsewhere
                than on the right.
        """
        ids = _on_cpu(token_ids)
        self._check(ids)
        probabilities = None
        if log_probs is not None:
            probabilities = _on_cpu(log_probs)
            if probabilities.shape != ids.shape:
                raise ValueError(
                    f"log_probs have shape {probabilities.shape}, the token ids {ids.shape}"
                )
        lengths, finished = self._lengths(ids)
        rows = [row[:length] for row, length in zip(ids, lengths, strict=True)]
        texts = self._tokenizer.batch_decode(
            [row.tolist() for row in rows],
            skip_special_tokens=True,
            clean_up_tokenization_spaces=False,  # "1 . 5" is what was said, and stays so
        )
        return [
            Completion(
                text,
                token_ids=row.copy(),
                log_probs=None if probabilities is None else probabilities[i, : len(row)].copy(),
                finished=bool(finished[i]),
                thinking=self._thinking,
            )
            for i, (text, row) in enumerate(zip(texts, rows, strict=True))
        ]

    def _lengths(self, ids: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
        """The length of each row without its padding, and whether it ended by itself."""
        columns = np.arange(ids.shape[1])
        ends = np.isin(ids, self._ends)
        finished: npt.NDArray[np.bool_] = np.any(ends, axis=1, keepdims=True)[:, 0]
        last = np.where(ids != self._pad, columns + 1, 0).max(axis=1)
        lengths = np.where(finished, ends.argmax(axis=1) + 1, last)
        padding = (ids == self._pad) & ~ends & (columns < lengths[:, None])
        if padding.any():
            row, column = (int(each) for each in np.argwhere(padding)[0])
            raise ValueError(
                f"row {row} has padding (id {self._pad}) at place {column}, before its end; pad "
                "rows on the right"
            )
        return lengths, finished

    def _check(self, ids: npt.NDArray[Any]) -> None:
        if not np.issubdtype(ids.dtype, np.integer):
            raise TypeError(f"token ids must be integers, not {ids.dtype}")
        if ids.ndim != 2 or len(ids) != self.num_envs or not 1 <= ids.shape[1] <= self._max_tokens:
            raise ValueError(
                f"token ids must have shape ({self.num_envs}, length) with a length from 1 to "
                f"{self._max_tokens}, not {ids.shape}"
            )
        strange = ((ids < 0) | (ids >= self._vocab_size)) & (ids != self._pad)
        if strange.any():
            row, column = (int(each) for each in np.argwhere(strange)[0])
            raise ValueError(
                f"row {row} has id {ids[row, column]} at place {column}; ids run from 0 to "
                f"{self._vocab_size - 1}, and padding is {self._pad}"
            )


def _on_cpu(values: Any) -> npt.NDArray[Any]:
    """As a NumPy array; tensors of PyTorch are known by their methods, as we do not import it."""
    if hasattr(values, "detach") and hasattr(values, "cpu"):
        values = values.detach().cpu()
        if str(values.dtype) == "torch.bfloat16":  # NumPy has no such type
            values = values.float()
        values = values.numpy()
    return np.asarray(values)
