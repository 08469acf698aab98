"""The messages of ranks as bytes: JSON, and the raw numbers of arrays after it.

- `encode`, `decode`: plain values, arrays and completions, to bytes and back.

Nothing is pickled, so a message holds values alone, wherever it comes from.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from ttrl_env.completion import Completion

__all__ = ["decode", "encode"]

_KIND = "!"
_SIZE_BYTES = 8
_COLUMNS = ("token_ids", "log_probs", "entropies", "self_certainties")


def encode(value: Any) -> bytes:
    r"""Returns a value as bytes.

    Args:
        value: `None`, numbers, text, arrays, completions, and lists, tuples and dictionaries of
            them; tuples become lists.

    Raises:
        TypeError: It holds anything else.

    >>> decode(encode({"loss": float("inf"), "rows": [1, 2], "text": "\ud800"}))
    {'loss': inf, 'rows': [1, 2], 'text': '\ud800'}
    """
    arrays = bytearray()
    header = json.dumps(_plain(value, arrays)).encode()
    return len(header).to_bytes(_SIZE_BYTES, "little") + header + arrays


def decode(message: bytes) -> Any:
    """Returns the value that `encode` made a message of."""
    size = int.from_bytes(message[:_SIZE_BYTES], "little")
    start = _SIZE_BYTES + size
    return _value(json.loads(message[_SIZE_BYTES:start]), memoryview(message)[start:])


def _plain(value: Any, arrays: bytearray) -> Any:
    if isinstance(value, Completion):
        return {
            _KIND: "completion",
            "text": str(value),
            "finished": value.finished,
            "thinking": value.thinking,
            **{name: _plain(getattr(value, name), arrays) for name in _COLUMNS},
        }
    if isinstance(value, np.ndarray):
        if value.dtype.hasobject:
            raise TypeError("an array of objects cannot be sent to other ranks")
        start = len(arrays)
        arrays += np.ascontiguousarray(value).tobytes()
        return {_KIND: "array", "type": value.dtype.str, "shape": list(value.shape), "at": start}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        if _KIND in value or not all(isinstance(name, str) for name in value):
            raise TypeError(f"a dictionary with the keys {list(value)} cannot be sent to ranks")
        return {name: _plain(each, arrays) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each, arrays) for each in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"a {type(value).__name__} cannot be sent to other ranks")


def _value(plain: Any, arrays: memoryview) -> Any:
    if isinstance(plain, list):
        return [_value(each, arrays) for each in plain]
    if not isinstance(plain, dict):
        return plain
    kind = plain.get(_KIND)
    if kind == "array":
        shape = tuple(plain["shape"])
        count = int(np.prod(shape, dtype=np.int64))
        values = np.frombuffer(arrays, np.dtype(plain["type"]), count, plain["at"])
        return values.reshape(shape).copy()
    if kind == "completion":
        return Completion(
            plain["text"],
            finished=plain["finished"],
            thinking=plain["thinking"],
            **{name: _value(plain[name], arrays) for name in _COLUMNS},
        )
    return {name: _value(each, arrays) for name, each in plain.items()}
