"""Downloads from the Hugging Face Hub: resumed, verified, cached, and never half-read.

- `cached_file`: the verified copy in the Hub's cache, if there is one.
- `fetch_file`: that copy, or a fresh download that passed verification.
- `matches`: whether a file is the publisher's, byte for byte.

The cache is the one that every Hugging Face tool shares (`HF_HOME`, `HF_HUB_CACHE`). Its client
writes beside the destination and renames, so nothing is half-read; what a killed download leaves
there is removed by a later `fetch_file`. The SHA-256 is checked here, each time a file is used,
since the client itself looks at the size alone.
`huggingface_hub` is imported by these functions only.
"""

from __future__ import annotations

import contextlib
import os
import time
import warnings
from pathlib import Path
from typing import Any

from ttrl_benchmarks.card import HubFile
from ttrl_benchmarks.digest import file_sha256
from ttrl_benchmarks.errors import BenchmarkError, BenchmarkWarning
from ttrl_benchmarks.network import network_cause

__all__ = ["cached_file", "fetch_file", "matches"]

_ABANDONED_SECONDS = 3600
BY_HAND = "give the file as path= or put it in TTRL_DATA_DIR"


def matches(hub: HubFile, path: Path) -> bool:
    """Returns whether a file is the publisher's, byte for byte."""
    return file_sha256(path) == hub.sha256


def cached_file(hub: HubFile, cache_dir: str | os.PathLike[str] | None = None) -> Path | None:
    """Returns the verified copy in the Hub's cache, or `None`; downloads nothing.

    Args:
        hub: The file.
        cache_dir: Where to look instead of the usual cache.
    """
    path = _cached(hub, cache_dir)
    return path if path is not None and matches(hub, path) else None


def fetch_file(
    hub: HubFile,
    title: str,
    *,
    progress: bool = True,
    cache_dir: str | os.PathLike[str] | None = None,
    token: str | None = None,
) -> Path:
    """Returns a verified copy of a file, downloaded where the cache has none.

    After a dropped connection the client goes on from its last complete chunk. A cached copy that
    fails verification is removed, with a warning, and downloaded again.

    Args:
        hub: The file.
        title: What it is, for messages.
        progress: Whether to show a progress bar, on standard error.
        cache_dir: Where to keep it instead of the usual cache.
        token: The Hub token, for gated files; otherwise the one that is logged in with.

    Raises:
        BenchmarkError: The Hub is out of reach, refuses the file, or sends other bytes.
    """
    cached = _cached(hub, cache_dir)
    if cached is not None:
        if matches(hub, cached):
            _remove_abandoned(cached)
            return cached
        warnings.warn(
            f"{cached}: the cached copy of {title} is damaged; it was removed and is downloaded "
            "again.",
            BenchmarkWarning,
            stacklevel=2,
        )
        _remove(cached)
    path = _download(hub, title, progress=progress, cache_dir=cache_dir, token=token)
    if matches(hub, path):
        _remove_abandoned(path)
        return path
    found = file_sha256(path)
    _remove(path)
    raise BenchmarkError(
        f"{title}: the downloaded {hub.filename} has the wrong checksum (SHA-256 {found[:12]}..., "
        f"not {hub.sha256[:12]}...) and was removed; run again, and if it stays wrong, look for a "
        f"proxy or mirror (HF_ENDPOINT) that alters files, or {BY_HAND}."
    )


def _download(
    hub: HubFile,
    title: str,
    *,
    progress: bool,
    cache_dir: str | os.PathLike[str] | None,
    token: str | None,
) -> Path:
    """Downloads a file, unverified; the arguments are those of `fetch_file`."""
    from huggingface_hub import (
        constants,
        get_hf_file_metadata,
        get_token,
        hf_hub_download,
        hf_hub_url,
    )

    # The client reads this variable once, when it is imported; notebooks set it later.
    endpoint = (os.environ.get("HF_ENDPOINT") or constants.ENDPOINT).rstrip("/")
    bar: dict[str, Any] = {} if progress else {"tqdm_class": _silent_bar()}
    url = hf_hub_url(
        hub.repo_id, hub.filename, repo_type="dataset", revision=hub.revision, endpoint=endpoint
    )
    try:
        # Asked once before the client asks, as it retries for half a minute where there is no net.
        get_hf_file_metadata(url, token=token, endpoint=endpoint)
        return Path(
            hf_hub_download(
                repo_id=hub.repo_id,
                filename=hub.filename,
                repo_type="dataset",
                revision=hub.revision,
                cache_dir=None if cache_dir is None else Path(cache_dir),
                token=token,
                endpoint=endpoint,
                library_name="ttrl-env",
                **bar,
            )
        )
    except _client_errors() as error:
        raise BenchmarkError(
            f"{title}: {_advice(error, hub, endpoint, token or get_token())}"
        ) from error


def _cached(hub: HubFile, cache_dir: str | os.PathLike[str] | None) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(
        repo_id=hub.repo_id,
        filename=hub.filename,
        repo_type="dataset",
        revision=hub.revision,
        cache_dir=None if cache_dir is None else Path(cache_dir),
    )
    # Otherwise it is None, or a marker that the Hub once said there is no such file.
    return Path(found) if isinstance(found, str) else None


def _remove(path: Path) -> None:
    """Removes a cached file: the link that names it, and the blobs that it leads to."""
    while path.is_symlink():
        target = path.parent / path.readlink()
        path.unlink()
        path = target
    path.unlink(missing_ok=True)


def _remove_abandoned(path: Path) -> None:
    """Removes parts of a file that killed downloads left; those of the last hour may go on."""
    blob = path.resolve()
    for part in blob.parent.glob(f"{blob.name}.*.incomplete"):
        with contextlib.suppress(OSError):  # another process may have removed it just now
            if time.time() - part.stat().st_mtime > _ABANDONED_SECONDS:
                part.unlink()


def _silent_bar() -> type[Any]:
    from huggingface_hub.utils.tqdm import tqdm

    class SilentBar(tqdm):
        """The client's progress bar, showing nothing."""

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(  # type: ignore[no-untyped-call]
                *args, **{**options, "disable": True}
            )

    return SilentBar


def _client_errors() -> tuple[type[Exception], ...]:
    """Returns whatever the client raises when a download fails."""
    from huggingface_hub import errors

    # OSError, and the error of whichever HTTP library the client is built on.
    bases = [base for base in errors.HfHubHTTPError.__bases__ if issubclass(base, Exception)]
    # Older clients have no error of their own for the chunked store.
    chunked: type[Exception] = getattr(errors, "XetDownloadError", RuntimeError)
    # The last is that of a client without what a proxy needs.
    return (ValueError, RuntimeError, chunked, *bases, ImportError)


def _advice(error: Exception, hub: HubFile, endpoint: str, token: str | None) -> str:
    """Says in one sentence what to do about an error of the client."""
    from huggingface_hub import errors

    page = f"{endpoint}/datasets/{hub.repo_id}"
    if isinstance(error, errors.LocalEntryNotFoundError) and isinstance(error.__cause__, Exception):
        error = error.__cause__  # what kept the client from the Hub
    status = error.response.status_code if isinstance(error, errors.HfHubHTTPError) else None
    if isinstance(error, errors.OfflineModeIsEnabled):
        return f"is not cached and HF_HUB_OFFLINE is set; unset it once, or {BY_HAND}."
    cause = network_cause(error, endpoint) if status is None else None
    if cause is not None:
        return f"cannot be downloaded from {endpoint}, as {cause}, or {BY_HAND}."
    if isinstance(error, errors.GatedRepoError) or (hub.gated and status in (401, 403, 404)):
        return (
            f"is gated by its publisher; accept the terms at {page}, then log in with "
            f"`hf auth login` or set HF_TOKEN to a token of that account, or {BY_HAND}."
        )
    if isinstance(error, errors.RevisionNotFoundError | errors.EntryNotFoundError) or status == 404:
        return (
            f"{page} has no {hub.filename} at revision {hub.revision[:7]}; if HF_ENDPOINT names a "
            f"mirror, unset it, or {BY_HAND}."
        )
    if status in (401, 403) and not token:
        return (
            f"{page} refuses (HTTP {status}), though it asks for no token: a proxy or a filter of "
            f"this network may stand between; ask who runs it, or {BY_HAND}."
        )
    if status in (401, 403):
        return (
            f"{page} refuses the token (HTTP {status}); log in again with `hf auth login`, or "
            "unset HF_TOKEN, as this file needs none."
        )
    if status is not None:
        return f"{endpoint} answers HTTP {status}; run again later, or {BY_HAND}."
    reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
    return (
        f"cannot be downloaded from {endpoint} ({reason}); check the connection and run again, "
        f"or {BY_HAND}."
    )
