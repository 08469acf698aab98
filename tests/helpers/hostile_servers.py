"""A server on loopback that answers whatever a test wants.

- `ODD_CHOICES`: answers about completions that are not what was asked, with the words of the error.
- `ODD_MODELS`: the same for lists of models.
- `OddServer`: answers with a function's bytes, fast or slow.
- `answer_of`: an answer that is right.
"""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

__all__ = ["ODD_CHOICES", "ODD_MODELS", "OddServer", "answer_of", "bomb", "drip", "flood"]

GOOD = {"message": {"content": "7"}, "finish_reason": "stop"}


def answer_of(*choices: dict[str, Any], **more: Any) -> bytes:
    """Returns an answer with such completions."""
    return json.dumps({"choices": list(choices), **more}).encode()


def _logprobs(*values: Any) -> dict[str, Any]:
    return {**GOOD, "logprobs": {"content": [{"token": "7", "logprob": each} for each in values]}}


ODD_CHOICES: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "not JSON"),
    "a page": (b"<html>busy</html>", "not JSON"),
    "a cut answer": (answer_of(GOOD)[:-3], "not JSON"),
    "deep brackets": (b"[" * 500_000, "not JSON"),
    "null": (b"null", "holds no completions"),
    "a list": (b"[]", "holds no completions"),
    "a number": (b"7", "holds no completions"),
    "no choices": (b"{}", "holds no completions"),
    "an empty list of choices": (answer_of(), "holds no completions"),
    "choices by name": (b'{"choices": {"a": 1}}', "holds no completions"),
    "an error with status 200": (
        b'{"error": {"message": "\\u001b[31mno"}}',
        "holds no completions",
    ),
    "a choice that is null": (b'{"choices": [null]}', "without a message"),
    "a choice without a message": (answer_of({"text": "7"}), "without a message"),
    "a message that is text": (answer_of({"message": "7"}), "without a message"),
    "content that is a number": (answer_of({"message": {"content": 7}}), "not text"),
    "content that is an image": (
        answer_of({"message": {"content": [{"type": "image"}]}}),
        "not text",
    ),
    "log-probabilities that are a number": (answer_of({**GOOD, "logprobs": 7}), "not a list"),
    "log-probabilities of nothing": (
        answer_of({**GOOD, "logprobs": {"content": [None]}}),
        "a log-probability that is none: None",
    ),
    "a log-probability of 500": (answer_of(_logprobs(500)), "that is none: 500"),
    "a log-probability that is no number": (
        answer_of(_logprobs(float("nan"))),
        "that is none: nan",
    ),
    "an infinite log-probability": (answer_of(_logprobs(-float("inf"))), "that is none: -inf"),
    "a log-probability that is text": (answer_of(_logprobs("-1")), "that is none: '-1'"),
    "a token that is a number": (
        answer_of({**GOOD, "logprobs": {"content": [{"token": 7, "logprob": -1}]}}),
        "a token that is not text",
    ),
    "token ids that are text": (answer_of({**GOOD, "token_ids": "77"}), "token ids that are none"),
    "a negative token id": (answer_of({**GOOD, "token_ids": [-1]}), "token ids that are none"),
    "a huge token id": (answer_of({**GOOD, "token_ids": [10**30]}), "token ids that are none"),
    "prompt tokens that are none": (answer_of(GOOD, prompt_token_ids=[None]), "ids that are none"),
}

ODD_MODELS: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "not JSON"),
    "null": (b"null", "lists no models"),
    "no data": (b'{"object": "list"}', "lists no models"),
    "data by name": (b'{"data": {"id": "one"}}', "lists no models"),
    "a model that is text": (b'{"data": ["one"]}', "without a name"),
    "a model without a name": (b'{"data": [{"object": "model"}]}', "without a name"),
    "a name that is a number": (b'{"data": [{"id": 7}]}', "without a name"),
    "a length that is text": (
        b'{"data": [{"id": "one", "max_model_len": "9"}]}',
        "that is none: '9'",
    ),
    "a length below 0": (b'{"data": [{"id": "one", "max_model_len": -9}]}', "that is none: -9"),
    "two models": (b'{"data": [{"id": "one"}, {"id": "t\\u001b[31mwo"}]}', "Name one model"),
    "none": (b'{"data": []}', "serves: none"),
}

Answer = Callable[[str, Any], "bytes | Iterator[bytes]"]


def drip(seconds: float = 0.05) -> Iterator[bytes]:
    """Yields a byte at a time, for ever."""
    while True:
        yield b" "
        time.sleep(seconds)


def flood() -> Iterator[bytes]:
    """Yields a megabyte at a time, for ever."""
    while True:
        yield b" " * 2**20


def bomb() -> bytes:
    """Returns a gigabyte of spaces in a megabyte of gzip."""
    part = gzip.compress(b" " * 2**26)
    return part * 16


class OddServer:
    """Answers GET /v1/models and POST with what a test gives.

    Args:
        models: The answer to the first.
        answer: Makes the answer to the second, from its path and its body.
        status: The status of the answers to POST.
        encoding: What the answers to POST say that they are compressed with.

    Attributes:
        asked: The bodies of the POSTs.
    """

    def __init__(
        self,
        answer: Answer = lambda path, body: answer_of(GOOD),
        *,
        models: bytes | Iterator[bytes] = b'{"data": [{"id": "one"}]}',
        status: int = 200,
        encoding: str | None = None,
    ) -> None:
        self.asked: list[Any] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler(answer, models, status))
        self._server.daemon_threads = True
        self._encoding = encoding

    @property
    def url(self) -> str:
        """The address."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> OddServer:
        serve = self._server.serve_forever
        threading.Thread(target=serve, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(
        self, answer: Answer, models: bytes | Iterator[bytes], status: int
    ) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._send(200, models, None)

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.asked.append(body)
                self._send(status, answer(self.path, body), outer._encoding)

            def _send(
                self, code: int, content: bytes | Iterator[bytes], encoding: str | None
            ) -> None:
                self.send_response(code)
                if encoding is not None:
                    self.send_header("Content-Encoding", encoding)
                self.end_headers()
                try:
                    for part in (content,) if isinstance(content, bytes) else content:
                        self.wfile.write(part)
                        self.wfile.flush()
                except OSError:
                    return  # the client has gone

            def log_message(self, *arguments: Any) -> None:
                pass

        return Handler
