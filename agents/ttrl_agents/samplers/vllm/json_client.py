"""Requests to a server that may be slow, endless or hostile.

- `JsonClient`: asks, and returns what JSON the server answers.
- `UnavailableError`: an error after which another attempt may succeed.
"""

from __future__ import annotations

import json
import queue
import threading
import time
from typing import Any

import httpx2

from ttrl_agents.errors import AgentError
from ttrl_benchmarks.network import network_cause
from ttrl_benchmarks.printable import plain_text

__all__ = ["JsonClient", "UnavailableError"]

_ATTEMPTS = 4
_CONNECT_SECONDS = 10.0
_THREAD = "server request"
_MOST_OF_AN_ERROR = 2**16
_BUSY = (429, 502, 503, 504)


class UnavailableError(AgentError):
    """An error after which another attempt may succeed."""


class JsonClient:
    """Asks a server, within a time and a size.

    The time is that of a whole answer, however the server spreads it: reading is left to a thread
    that is not waited for. Answers are asked for uncompressed, and counted as they are unpacked.

    Args:
        url: The address that all paths begin with, for messages.
        connections: The most connections at once.
        api_key: The key that the server asks for, if any.
        timeout: Seconds to wait for one answer.

    Raises:
        AgentError: The environment names a proxy or certificates that cannot be used.

    Attributes:
        retries: How many requests had to be repeated.
    """

    def __init__(self, url: str, connections: int, *, api_key: str | None, timeout: float) -> None:
        self.url = url
        self.timeout = timeout
        self.retries = 0
        headers = {"Accept-Encoding": "identity"}
        if api_key is not None:
            headers["Authorization"] = f"Bearer {api_key}"
        try:
            self._client = httpx2.Client(
                timeout=httpx2.Timeout(timeout, connect=_CONNECT_SECONDS),
                limits=httpx2.Limits(max_connections=connections),
                headers=headers,
            )
        except (OSError, ImportError, ValueError) as error:
            cause = network_cause(error, url) or plain_text(str(error))
            raise AgentError(f"The server at {url} cannot be reached: {cause}.") from error

    def get(self, address: str, *, most_bytes: int) -> Any:
        """Returns the answer to a GET; see `post`."""
        return self._request("GET", address, None, most_bytes)

    def post(self, address: str, body: dict[str, Any], *, most_bytes: int) -> Any:
        """Returns the answer to a POST, after up to four attempts.

        Args:
            address: The whole address.
            body: The request.
            most_bytes: The most bytes that the answer may have.

        Raises:
            AgentError: The server reports an error, cannot be reached, answers too much, or no
                JSON.
        """
        for attempt in range(_ATTEMPTS):
            try:
                return self._request("POST", address, body, most_bytes)
            except UnavailableError as error:
                if attempt + 1 == _ATTEMPTS:
                    raise
                last = error
                self.retries += 1
                time.sleep(2.0**attempt)
        raise last

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def _request(
        self, method: str, address: str, body: dict[str, Any] | None, most_bytes: int
    ) -> Any:
        done: queue.SimpleQueue[tuple[int, bytes] | Exception] = queue.SimpleQueue()
        deadline = time.monotonic() + self.timeout

        def work() -> None:
            try:
                done.put(self._read(method, address, body, most_bytes, deadline))
            except Exception as error:  # noqa: BLE001 - raised where the answer is awaited
                done.put(error)

        threading.Thread(target=work, name=_THREAD, daemon=True).start()
        try:
            found = done.get(timeout=self.timeout + _CONNECT_SECONDS)
        except queue.Empty:
            found = TimeoutError(f"no whole answer within {self.timeout:g} seconds")
        if isinstance(found, AgentError):
            raise found
        if isinstance(found, (httpx2.TransportError, TimeoutError)):
            cause = network_cause(found, self.url) or plain_text(str(found)) or type(found).__name__
            raise UnavailableError(
                f"The server at {self.url} cannot be reached ({cause}). Start one with: vllm "
                "serve MODEL"
            ) from found
        if isinstance(found, httpx2.HTTPError):
            raise AgentError(
                f"The server at {self.url} answers what cannot be read "
                f"({plain_text(str(found))[:200]})."
            ) from found
        if isinstance(found, Exception):
            raise found
        return self._parsed(*found)

    def _read(
        self,
        method: str,
        address: str,
        body: dict[str, Any] | None,
        most_bytes: int,
        deadline: float,
    ) -> tuple[int, bytes]:
        """Returns the status and the body of an answer."""
        content = bytearray()
        with self._client.stream(method, address, json=body) as response:
            good = response.status_code == httpx2.codes.OK
            for part in response.iter_bytes():
                content += part
                if not good and len(content) > _MOST_OF_AN_ERROR:
                    break
                if len(content) > most_bytes:
                    raise AgentError(
                        f"The answer of the server at {self.url} is longer than the "
                        f"{most_bytes:,} bytes that it may have, and is not read to its end."
                    )
                if time.monotonic() > deadline:
                    raise TimeoutError(f"no whole answer within {self.timeout:g} seconds")
            return response.status_code, bytes(content)

    def _parsed(self, status: int, content: bytes) -> Any:
        if status in _BUSY:
            raise UnavailableError(f"The server at {self.url} is busy (status {status}).")
        if status != httpx2.codes.OK:
            said = plain_text(content[:2000].decode(errors="replace"))[:500]
            raise AgentError(f"The server at {self.url} refused (status {status}): {said}")
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            raise AgentError(
                f"{self.url} is not an OpenAI-compatible server: its answer is not JSON."
            ) from error
