"""Why the network cannot be reached: proxies, certificates, and nothing guessed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from ttrl_benchmarks.network import network_cause, refusal

HUB = "https://huggingface.co"
REFUSED = ConnectionError("[Errno 111] Connection refused")
MISSING = FileNotFoundError(2, "No such file or directory")


def untrusted() -> Exception:
    try:
        try:
            raise ValueError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")
        except ValueError as error:
            raise OSError("cannot connect") from error
    except OSError as error:
        return error


@pytest.mark.parametrize(
    ("error", "address", "environment", "cause"),
    [
        (REFUSED, HUB, {"all_proxy": "socks5://u:p@h:1"}, "all_proxy names a SOCKS proxy"),
        (REFUSED, HUB, {"HTTPS_PROXY": "SOCKS5H://h:1"}, r"pip install 'httpx\[socks\]'"),
        (MISSING, HUB, {"SSL_CERT_FILE": "/nope.pem"}, "SSL_CERT_FILE names /nope.pem, which"),
        (MISSING, HUB, {"REQUESTS_CA_BUNDLE": "/nope.pem"}, "REQUESTS_CA_BUNDLE names"),
        (untrusted(), HUB, {}, "a certificate|set SSL_CERT_FILE"),
        (REFUSED, HUB, {"HTTPS_PROXY": "http://u:secret@h:1"}, r"\(HTTPS_PROXY=http://h:1\)"),
        (REFUSED, "http://localhost:1", {"ALL_PROXY": "http://h:1"}, "ALL_PROXY=http://h:1"),
    ],
)
def test_the_cause_is_named(
    error: Exception,
    address: str,
    environment: dict[str, str],
    cause: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    found = network_cause(error, address, environment)
    assert found is not None
    assert any(part in found.replace("\\", "") for part in cause.replace("\\", "").split("|"))
    assert "secret" not in found


@pytest.mark.parametrize(
    ("error", "address", "environment"),
    [
        (REFUSED, HUB, {}),
        (REFUSED, "http://localhost:1", {"HTTPS_PROXY": "http://h:1"}),
        (REFUSED, HUB, {"SSL_CERT_FILE": "/nope.pem"}),
        (MISSING, HUB, {"SSL_CERT_FILE": str(Path(__file__))}),
        (ConnectionError("Name or service not known"), HUB, {"HTTPS_PROXY": "http://h:1"}),
    ],
)
def test_what_the_environment_does_not_tell_is_not_guessed(
    error: Exception, address: str, environment: dict[str, str]
) -> None:
    assert network_cause(error, address, environment) is None


class Answer:
    """What a server said."""

    def __init__(self, status_code: int) -> None:
        self.status_code = status_code


def refused(status: int) -> Exception:
    """What a client raises: that it cannot connect, because of an answer."""
    error, cause = OSError("We couldn't connect"), ValueError("Client error")
    cause.response = Answer(status)  # type: ignore[attr-defined]
    error.__cause__ = cause
    return error


def test_a_server_that_refuses_is_told_from_one_that_is_out_of_reach() -> None:
    said = refusal(refused(403), HUB, token=False)
    assert said is not None
    assert f"{HUB} refuses (HTTP 403), and no token was shown" in said
    assert "HF_TOKEN" in said
    said = refusal(refused(401), HUB, token=True)
    assert said is not None
    assert "refuses the token (HTTP 401)" in said
    assert refusal(refused(500), HUB, token=False) is None
    assert refusal(REFUSED, HUB, token=False) is None
