"""The answers of a server, which may be anything, as what they ought to be.

- `read_models`: the models that a server lists.
- `read_choices`: the completions of a prompt, and the tokens of the prompt.
- `Choice`: one of them.
- `read_text`: one text of an answer.
- `shown`: names that a server gave, fit to be printed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from ttrl_agents.errors import AgentError
from ttrl_benchmarks.printable import plain_text

__all__ = ["Choice", "read_choices", "read_models", "read_text", "shown"]

# A rounding error above 0 is one; more is no log-probability.
_MOST_LOG_PROB = 1e-3
_LARGEST_ID = 2**31


@dataclass(frozen=True)
class Choice:
    """A completion as a server reports it.

    Attributes:
        text: The text; empty where the server gives none.
        finished: Whether it ended by itself.
        token_ids: Its tokens, if they are known.
        log_probs: The log-probability of each, if they are known.
        pieces: The text of each token, if it is known.
    """

    text: str
    finished: bool
    token_ids: tuple[int, ...] | None
    log_probs: tuple[float, ...] | None
    pieces: tuple[str, ...]


def read_models(answer: Any, url: str) -> dict[str, int | None]:
    """Returns the names of the models of a server, each with the most tokens that it takes.

    Raises:
        AgentError: The answer is not a list of models.
    """
    listed = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(listed, list):
        _wrong(url, "lists no models (data)", answer)
    models: dict[str, int | None] = {}
    for each in listed:
        name = each.get("id") if isinstance(each, dict) else None
        if not isinstance(name, str):
            _wrong(url, "lists a model without a name (id)", each)
        limit = each.get("max_model_len")
        if limit is not None and not (_is_whole(limit) and limit > 0):
            _wrong(url, "gives a length (max_model_len) that is none", limit)
        models[name] = limit
    return models


def read_choices(answer: Any, url: str) -> tuple[list[Choice], tuple[int, ...]]:
    """Returns the completions of a prompt, and the tokens of the prompt if they are reported.

    Raises:
        AgentError: The answer holds no completions, or such as cannot be read.
    """
    found = answer.get("choices") if isinstance(answer, dict) else None
    if not isinstance(found, list) or not found:
        _wrong(url, "holds no completions (choices)", answer)
    prompt = answer.get("prompt_token_ids")
    ids = () if prompt is None else _token_ids(prompt, url)
    return [_choice(each, url) for each in found], ids


def read_text(answer: Any, name: str, url: str) -> str:
    """Returns a text of an answer.

    Raises:
        AgentError: It has none.
    """
    text = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(text, str):
        _wrong(url, f"holds no text ({name})", answer)
    return _whole(text)


def _choice(found: Any, url: str) -> Choice:
    message = found.get("message") if isinstance(found, dict) else None
    if not isinstance(message, dict):
        _wrong(url, "holds a completion without a message", found)
    text: Any = message.get("content")
    if isinstance(text, list):  # in parts
        parts: list[Any] = [each.get("text") if isinstance(each, dict) else each for each in text]
        text = "".join(parts) if all(isinstance(each, str) for each in parts) else text
    if not isinstance(text, str | None):
        _wrong(url, "holds a completion that is not text (content)", text)
    log_probs, pieces = _log_probs(found.get("logprobs"), url)
    token_ids = found.get("token_ids")
    ids = None if token_ids is None else _token_ids(token_ids, url)
    if ids is not None and log_probs is not None and len(ids) != len(log_probs):
        ids = log_probs = None  # unknown if the server counts them differently
    return Choice(_whole(text or ""), found.get("finish_reason") == "stop", ids, log_probs, pieces)


def _log_probs(found: Any, url: str) -> tuple[tuple[float, ...] | None, tuple[str, ...]]:
    content = found.get("content") if isinstance(found, dict) else found
    if content is None:
        return None, ()
    if not isinstance(content, list):
        _wrong(url, "holds log-probabilities that are not a list", content)
    values: list[float] = []
    pieces: list[str] = []
    for each in content:
        value: Any = each.get("logprob") if isinstance(each, dict) else None
        piece = each.get("token") if isinstance(each, dict) else None
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not math.isfinite(value) or value > _MOST_LOG_PROB:
            _wrong(url, "holds a log-probability that is none", value)
        if not isinstance(piece, str):
            _wrong(url, "holds a token that is not text", piece)
        values.append(min(float(value), 0.0))
        pieces.append(_whole(piece))
    return tuple(values), tuple(pieces)


def _token_ids(found: Any, url: str) -> tuple[int, ...]:
    if not isinstance(found, list) or not all(
        _is_whole(each) and 0 <= each < _LARGEST_ID for each in found
    ):
        _wrong(url, "holds token ids that are none", found)
    return tuple(found)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _whole(text: str) -> str:
    """Returns a text without halves of characters, which JSON may hold and no file can."""
    return text if text.isascii() else text.encode(errors="replace").decode()


def _wrong(url: str, what: str, value: object) -> NoReturn:
    raise AgentError(
        f"The answer of the server at {url} {what}: {plain_text(repr(value)[:80])}. Use a server "
        "with the interface of OpenAI, such as vllm serve."
    )


def shown(names: Sequence[str]) -> str:
    """Returns names that a server gave, fit to be printed."""
    return plain_text(", ".join(names)[:1000]) or "none"
