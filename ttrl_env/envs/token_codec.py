"""The tokenizer of the token environment.

- `TokenCodec`: encoding, decoding, and the ids with a meaning of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["TokenCodec"]


@dataclass(frozen=True)
class TokenCodec:
    """A tokenizer as two functions, its size, and the ids that end and fill up.

    Attributes:
        encode: From a prompt to its token ids, chat template included.
        decode: From the token ids of a completion, without its end, to text.
        vocabulary_size: Ids run from 0 to this, exclusive. Take the width of the model's logits:
            it is often larger than what the tokenizer says.
        end_token_ids: Ids that end a completion; one or more.
        pad_token_id: The id that fills up.

    Raises:
        ValueError: An id is out of range, or nothing ends a completion.

    >>> digits = TokenCodec(
    ...     encode=lambda prompt: [len(prompt) % 10],
    ...     decode=lambda ids: "".join(map(str, ids)),
    ...     vocabulary_size=11,
    ...     end_token_ids=(10,),
    ...     pad_token_id=10,
    ... )
    >>> digits.decode([4, 2])
    '42'
    """

    encode: Callable[[str], Sequence[int]]
    decode: Callable[[Sequence[int]], str]
    vocabulary_size: int
    end_token_ids: tuple[int, ...]
    pad_token_id: int

    def __post_init__(self) -> None:
        ids = (*self.end_token_ids, self.pad_token_id)
        if not self.end_token_ids or not all(0 <= each < self.vocabulary_size for each in ids):
            raise ValueError(
                f"end_token_ids (one or more) and pad_token_id must be ids from 0 to "
                f"{self.vocabulary_size - 1}, not {self.end_token_ids} and {self.pad_token_id}"
            )
