"""The prompts that an environment shows to a policy.

- `Prompt`: a `str` that no wrapper can turn into something else unnoticed.
"""

from __future__ import annotations

__all__ = ["Prompt", "check_text"]


class Prompt(str):
    """A prompt: an ordinary string that can be made of text alone.

    Gymnasium's array wrappers (`NumpyToTorch` and its relatives) rebuild every sequence by
    calling its type; with a plain `str` that yields the text `"<generator object ...>"`. This
    type raises an error instead.

    Raises:
        TypeError: `text` is not a string.

    >>> Prompt("What is 1 + 1?") == "What is 1 + 1?"
    True
    """

    __slots__ = ()

    def __new__(cls, text: str = "") -> Prompt:
        """Builds the string."""
        return super().__new__(cls, check_text(text))


def check_text(text: object) -> str:
    """Returns `text` as it is.

    Raises:
        TypeError: It is not a string.
    """
    if not isinstance(text, str):
        raise TypeError(
            f"prompts and completions are text, not {type(text).__name__}. Wrappers that convert "
            "arrays cannot apply to text; give token ids through ttrl_env.wrappers.TokenActions."
        )
    return text
