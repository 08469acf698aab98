"""A mirror of the Hugging Face Hub on loopback, for tests of downloads."""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

from ttrl_benchmarks.card import HubFile


@dataclass(frozen=True)
class Request:
    """What the client asked for."""

    method: str
    byte_range: str | None
    authorization: str | None


class HubMirror:
    """Serves files the way the Hub does, and misbehaves on demand.

    Attributes:
        requests: What was asked for, in order.
        breaks: Where each next GET breaks off, in bytes from its start; then they go through.
        plain: Whether it answers like any web server, without the Hub's headers.
        required_token: The only token that it takes, if any.
        status: Answered to everything instead of a file, with `error_code`.
        stalled: Set once a GET hangs, which it does at `stall_at` bytes until `release` is set.
    """

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.breaks: deque[int] = deque()
        self.status: int | None = None
        self.error_code: str | None = None
        self.required_token: str | None = None
        self.plain = False
        self.stall_at: int | None = None
        self.stalled = threading.Event()
        self.release = threading.Event()
        self._files: dict[str, tuple[HubFile, bytes]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        """The mirror's address, for `HF_ENDPOINT`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def downloads(self) -> list[Request]:
        """The GET requests alone."""
        return [request for request in self.requests if request.method == "GET"]

    def add(self, content: bytes, filename: str = "data/questions.jsonl") -> HubFile:
        """Serves content, and returns the pinned file that it honours."""
        hub = HubFile(
            repo_id="someone/some-questions",
            revision=hashlib.sha256(filename.encode()).hexdigest()[:40],
            filename=filename,
            sha256=hashlib.sha256(content).hexdigest(),
        )
        self.serve(hub, content)
        return hub

    def serve(self, hub: HubFile, content: bytes) -> None:
        """Serves content under a pinned file's address, be it the right content or not."""
        path = f"/datasets/{hub.repo_id}/resolve/{hub.revision}/{hub.filename}"
        self._files[path] = (hub, content)

    def __enter__(self) -> HubMirror:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self) -> None:
                self._answer(body=False)

            def do_GET(self) -> None:
                self._answer(body=True)

            def log_message(self, *_: object) -> None:
                pass

            def _answer(self, *, body: bool) -> None:
                authorization = self.headers["Authorization"]
                byte_range = self.headers["Range"]
                mirror.requests.append(Request(self.command, byte_range, authorization))
                if mirror.required_token is not None:
                    allowed = authorization == f"Bearer {mirror.required_token}"
                    if not allowed:
                        return self._refuse(401, "GatedRepo")
                if mirror.status is not None:
                    return self._refuse(mirror.status, mirror.error_code)
                if self.path not in mirror._files:
                    return self._refuse(404, "EntryNotFound")
                hub, content = mirror._files[self.path]
                start = int(byte_range.removeprefix("bytes=").rstrip("-")) if byte_range else 0
                self.send_response(206 if byte_range else 200)
                if not mirror.plain:
                    self.send_header("X-Repo-Commit", hub.revision)
                    self.send_header("ETag", f'"{hub.sha256}"')
                self.send_header("Accept-Ranges", "bytes")
                if byte_range:
                    last = len(content) - 1
                    self.send_header("Content-Range", f"bytes {start}-{last}/{len(content)}")
                self.send_header("Content-Length", str(len(content) - start))
                self.end_headers()
                if body:
                    self._send(content[start:])
                return None

            def _send(self, content: bytes) -> None:
                if mirror.stall_at is not None:
                    self.wfile.write(content[: mirror.stall_at])
                    self.wfile.flush()
                    mirror.stalled.set()
                    mirror.release.wait(timeout=30)
                    self.close_connection = True
                elif mirror.breaks:
                    self.wfile.write(content[: mirror.breaks.popleft()])
                    self.close_connection = True
                else:
                    self.wfile.write(content)

            def _refuse(self, status: int, error_code: str | None) -> None:
                self.send_response(status)
                if error_code is not None:
                    self.send_header("X-Error-Code", error_code)
                self.send_header("Content-Length", "0")
                self.end_headers()

        return Handler
