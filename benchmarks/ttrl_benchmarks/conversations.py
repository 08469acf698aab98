"""Questions that a file holds as the turns of a chat.

- `Conversation`: what the turns say.
- `read_conversation`: the conversation in a cell, if it is one.

Turns have a `role` and a `content`, or `from` and `value`, as in ShareGPT's files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ttrl_benchmarks.errors import BenchmarkError

__all__ = ["Conversation", "read_conversation"]

_PYTHON = re.compile(r"\s*\[\{'(?:role|content|from|value)':")
_SPEAKERS = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "model": "assistant",
}


@dataclass(frozen=True, slots=True)
class Conversation:
    """What the turns of a chat say.

    Attributes:
        question: The user's turn, after the system's if there is one.
        reply: The assistant's turn, if there is one.
    """

    question: str
    reply: str | None = None


def read_conversation(value: object, place: str) -> Conversation | None:
    """Returns the conversation in a cell, or `None` where the cell holds something else.

    Args:
        value: The cell: an array of turns, or JSON text of one.
        place: Where it stands, for messages.

    Raises:
        BenchmarkError: It has more or less than one turn of the user, or a turn that is not text,
            or is a text that Python printed.

    >>> turns = [{"role": "user", "content": "1 + 1?"}, {"role": "assistant", "content": "2"}]
    >>> read_conversation(turns, "row 1")
    Conversation(question='1 + 1?', reply='2')
    >>> read_conversation("What is 1 + 1?", "row 1") is None
    True
    """
    turns = _turns(value, place)
    if turns is None:
        return None
    said: dict[str, list[str]] = {"system": [], "user": [], "assistant": []}
    for turn in turns:
        role = turn.get("role", turn.get("from"))
        speaker = _SPEAKERS.get(role) if isinstance(role, str) else None
        if speaker is None:
            raise BenchmarkError(
                f"{place}: a turn has the role {role!r}; use system, user and assistant."
            )
        if speaker == "user" and said["assistant"]:
            break  # counted below
        said[speaker].append(_text(turn.get("content", turn.get("value")), place))
    asked = sum(_SPEAKERS.get(str(t.get("role", t.get("from")))) == "user" for t in turns)
    if asked != 1:
        raise BenchmarkError(
            f"{place}: a conversation with {asked} turns of the user, where a question is one; "
            "write it as one turn, or remove the row."
        )
    reply = "\n".join(said["assistant"])
    return Conversation("\n\n".join((*said["system"], *said["user"])), reply or None)


def _turns(value: object, place: str) -> Sequence[Mapping[str, Any]] | None:
    if isinstance(value, str) and value.lstrip().startswith("[{"):
        text = value
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            if _PYTHON.match(text):
                raise BenchmarkError(
                    f"{place}: the turns of a chat in quotes of Python; write them as JSON, with "
                    "json.dumps."
                ) from error
            return None
    if not isinstance(value, list) or not value:
        return None
    named = all(isinstance(each, dict) and ("role" in each or "from" in each) for each in value)
    return value if named else None


def _text(content: object, place: str) -> str:
    """Returns the text of a turn, which may be in parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = [each.get("text") if isinstance(each, dict) else each for each in content]
        if all(isinstance(part, str) for part in parts):
            return "\n".join(part for part in parts if isinstance(part, str))
    raise BenchmarkError(
        f"{place}: a turn holds something other than text; a language model reads text alone, so "
        "remove the row."
    )
