"""Why the network cannot be reached, as far as the environment tells.

- `network_cause`: the cause of an error, and its cure, in words.
- `refusal`: what a server that asks who is there has answered, in words.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

__all__ = ["network_cause", "refusal"]

_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_FILES = ("FileNotFoundError", "No such file", "CA certificate", "certificate bundle")
_UNTRUSTED = ("CERTIFICATE_VERIFY_FAILED", "certificate verify failed")


def network_cause(
    error: BaseException, address: str, environment: Mapping[str, str] | None = None
) -> str | None:
    """Returns the cause of an error and its cure, or `None` where nothing tells it.

    Args:
        error: What a client of the network raised.
        address: What it wanted to reach.
        environment: The variables that clients read; by default those of the process.

    >>> missing = FileNotFoundError(2, "No such file")
    >>> network_cause(missing, "https://huggingface.co", {"SSL_CERT_FILE": "/nope.pem"})
    'SSL_CERT_FILE names /nope.pem, which does not exist; correct or unset it'
    """
    environment = os.environ if environment is None else environment
    texts = [f"{type(each).__name__}: {each}" for each in _chain(error)]
    names = (f"{address.partition(':')[0].upper()}_PROXY", "ALL_PROXY")
    proxies = list(_set(environment, (*names, *map(str.lower, names))))
    socks = [name for name, value in proxies if value.lower().startswith("socks")]
    if socks and importlib.util.find_spec("socksio") is None:
        return (
            f"{socks[0]} names a SOCKS proxy, which needs the package socksio: pip install "
            f"'httpx[socks]', or unset {socks[0]}"
        )
    for name, value in _set(environment, _CERTIFICATES):
        if not Path(value).exists() and any(mark in text for text in texts for mark in _FILES):
            return f"{name} names {value}, which does not exist; correct or unset it"
    if any(mark in text for text in texts for mark in _UNTRUSTED):
        return (
            "the certificate is not one that this machine trusts, as behind a proxy that looks "
            "into connections; set SSL_CERT_FILE to a file with the certificate of its issuer"
        )
    if proxies and any("Proxy" in text or "refused" in text for text in texts):
        listed = ", ".join(f"{name}={_without_password(value)}" for name, value in proxies)
        return f"connections go through a proxy ({listed}); see that it runs, or unset it"
    return None


def refusal(error: BaseException, address: str, *, token: bool) -> str | None:
    """Returns that a server refuses to give something, and what to do; `None` if it does not.

    Args:
        error: What a client of the network raised.
        address: What it asked.
        token: Whether it showed a token.
    """
    answers = (getattr(each, "response", None) for each in _chain(error))
    status = next((code for each in answers if (code := getattr(each, "status_code", None))), None)
    if status not in (401, 403):
        return None
    if token:
        return (
            f"{address} refuses the token (HTTP {status}); accept the terms of the model on its "
            "page, and log in with `hf auth login` or set HF_TOKEN to a token that may read it"
        )
    return (
        f"{address} refuses (HTTP {status}), and no token was shown. If the model is private or "
        "gated, accept its terms on its page and log in with `hf auth login` or set HF_TOKEN; if "
        "it is public, a proxy or a filter of this network may stand between"
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yields an error and those that led to it."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def _set(environment: Mapping[str, str], names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    return ((name, environment[name]) for name in names if environment.get(name))


def _without_password(address: str) -> str:
    scheme, slashes, rest = address.rpartition("://")
    return scheme + slashes + rest.rpartition("@")[2]
