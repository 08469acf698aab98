"""Downloads by the real client from a mirror on loopback: whole, broken off, corrupt, refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hub_mirror import HubMirror

from ttrl_benchmarks import (
    BenchmarkCard,
    BenchmarkError,
    BenchmarkWarning,
    register_benchmark,
    registry,
    unregister_benchmark,
)
from ttrl_benchmarks.card import HubFile
from ttrl_benchmarks.hub import cached_file, fetch_file, matches
from ttrl_benchmarks.published import PublishedLoader

ROWS = [{"problem": f"What is {n} + {n}?", "answer": str(2 * n)} for n in range(200)]
CONTENT = "".join(json.dumps(row) + "\n" for row in ROWS).encode()


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubMirror]:
    """A mirror that the client is pointed at, with an empty cache."""
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with HubMirror() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        yield running


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client writes every kilobyte rather than every ten megabytes, and does not wait."""
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "DOWNLOAD_CHUNK_SIZE", 1000)
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda _: None)


def card_of(hub: HubFile) -> BenchmarkCard:
    return BenchmarkCard(
        name="sums",
        title="Sums",
        env_id="TTRL-Sums-v0",
        answer_format="integer",
        size=len(ROWS),
        licence="none",
        citation="",
        hub=hub,
    )


def cached_blobs(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "cache").rglob("blobs/*") if path.is_file()]


def test_a_download_is_verified_and_then_cached(mirror: HubMirror) -> None:
    hub = mirror.add(CONTENT)
    assert cached_file(hub) is None
    path = fetch_file(hub, "Sums")
    assert path.read_bytes() == CONTENT
    assert matches(hub, path)
    asked = len(mirror.requests)
    assert fetch_file(hub, "Sums") == path == cached_file(hub)
    assert len(mirror.requests) == asked


def test_a_benchmark_loads_by_download_and_then_offline(mirror: HubMirror) -> None:
    card = card_of(mirror.add(CONTENT))
    with pytest.raises(BenchmarkError, match=r"download=False; run `ttrl fetch sums`"):
        PublishedLoader(card)(download=False)
    assert mirror.requests == []
    benchmark = PublishedLoader(card)()
    assert [question.text for question in benchmark.questions] == [row["problem"] for row in ROWS]
    assert benchmark.labels.reveal("sums/21") == "42"
    mirror.status = 500
    assert PublishedLoader(card)() == benchmark == PublishedLoader(card)(download=False)


def test_a_dropped_connection_is_taken_up_where_it_broke_off(
    mirror: HubMirror, small_chunks: None
) -> None:
    hub = mirror.add(CONTENT)
    mirror.breaks.extend([2500, 3100])
    assert fetch_file(hub, "Sums").read_bytes() == CONTENT
    assert [request.byte_range for request in mirror.downloads] == [
        None,
        "bytes=2000-",
        "bytes=5000-",
    ]


def test_a_connection_that_stays_dead_leaves_nothing_behind(
    mirror: HubMirror, small_chunks: None, tmp_path: Path
) -> None:
    hub = mirror.add(CONTENT)
    mirror.breaks.extend([2500] + [0] * 20)
    with pytest.raises(BenchmarkError, match=r"Sums: cannot be downloaded from http.* run again"):
        fetch_file(hub, "Sums")
    assert cached_file(hub) is None
    assert cached_blobs(tmp_path) == []
    mirror.breaks.clear()
    assert fetch_file(hub, "Sums").read_bytes() == CONTENT


def test_a_corrupt_download_is_refused_and_removed(mirror: HubMirror, tmp_path: Path) -> None:
    hub = mirror.add(CONTENT)
    mirror.serve(hub, CONTENT.replace(b'"42"', b'"43"'))
    with pytest.raises(BenchmarkError, match=r"wrong checksum .* was removed; run again"):
        fetch_file(hub, "Sums")
    assert cached_blobs(tmp_path) == []
    assert not any(path.is_symlink() for path in (tmp_path / "cache").rglob("*"))
    with pytest.raises(BenchmarkError, match="wrong checksum"):
        PublishedLoader(card_of(hub))()
    mirror.serve(hub, CONTENT)
    assert fetch_file(hub, "Sums").read_bytes() == CONTENT


@pytest.mark.parametrize("damage", [CONTENT[:1234], b"", CONTENT[:-5] + b"\0" * 5])
def test_a_damaged_cache_is_never_read(mirror: HubMirror, tmp_path: Path, damage: bytes) -> None:
    hub = mirror.add(CONTENT)
    fetch_file(hub, "Sums")
    (blob,) = cached_blobs(tmp_path)
    blob.write_bytes(damage)
    assert cached_file(hub) is None
    with pytest.raises(BenchmarkError, match="not on this machine"):
        PublishedLoader(card_of(hub))(download=False)
    with pytest.warns(BenchmarkWarning, match="damaged; it was removed"):
        benchmark = PublishedLoader(card_of(hub))()
    assert len(benchmark) == len(ROWS)
    assert cached_file(hub) is not None


def run_client(mirror: HubMirror, tmp_path: Path, hub: HubFile) -> subprocess.Popen[str]:
    """Downloads in a process of its own, where the client reads its variables as users set them."""
    code = (
        "import sys; from ttrl_benchmarks.hub import fetch_file; "
        "from ttrl_benchmarks.card import HubFile; "
        "print(fetch_file(HubFile(*sys.argv[1:]), 'Sums'))"
    )
    environment = {
        **os.environ,
        "HF_ENDPOINT": mirror.url,
        "HF_HOME": str(tmp_path / "home"),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    environment.pop("HF_HUB_OFFLINE", None)
    return subprocess.Popen(
        [sys.executable, "-c", code, hub.repo_id, hub.revision, hub.filename, hub.sha256],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_variables_of_the_client_are_honoured_and_the_bar_is_shown(
    mirror: HubMirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TQDM_POSITION", "-1")  # the client's own switch for bars without a terminal
    process = run_client(mirror, tmp_path, mirror.add(CONTENT))
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    path = Path(output.strip())
    assert path.read_bytes() == CONTENT
    assert path.is_relative_to(tmp_path / "home" / "hub")
    assert "questions.jsonl: 100%" in errors


def test_a_download_killed_half_way_is_never_read(mirror: HubMirror, tmp_path: Path) -> None:
    hub = mirror.add(CONTENT)
    cache = tmp_path / "home" / "hub"
    mirror.stall_at = 3000
    process = run_client(mirror, tmp_path, hub)
    assert mirror.stalled.wait(timeout=60)
    process.kill()
    process.communicate(timeout=60)
    mirror.release.set()
    mirror.stall_at = None
    assert cached_file(hub, cache) is None
    assert fetch_file(hub, "Sums", cache_dir=cache).read_bytes() == CONTENT


def test_two_downloads_at_once_agree(mirror: HubMirror) -> None:
    hub = mirror.add(CONTENT)
    found: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: found.append(fetch_file(hub, "Sums").read_bytes()))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [CONTENT] * 4


def test_progress_can_be_silenced(
    mirror: HubMirror, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TQDM_POSITION", "-1")
    fetch_file(mirror.add(CONTENT, "silent.jsonl"), "Sums", progress=False)
    assert capfd.readouterr() == ("", "")
    fetch_file(mirror.add(CONTENT * 2, "shown.jsonl"), "Sums")
    assert "shown.jsonl: 100%" in capfd.readouterr().err


def test_a_gated_file_needs_a_token(mirror: HubMirror, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = replace(mirror.add(CONTENT), gated=True)
    right, wrong = "hf_right", "hf_wrong"
    mirror.required_token = right
    complaint = (
        r"Sums: is gated by its publisher; accept the terms at http.*/datasets/someone/"
        r"some-questions, then log in with `hf auth login` or set HF_TOKEN"
    )
    with pytest.raises(BenchmarkError, match=complaint):
        fetch_file(hub, "Sums")
    with pytest.raises(BenchmarkError, match=complaint):
        fetch_file(hub, "Sums", token=wrong)
    assert mirror.downloads == []
    monkeypatch.setenv("HF_TOKEN", right)
    assert fetch_file(hub, "Sums").read_bytes() == CONTENT
    assert mirror.downloads[-1].authorization == "Bearer hf_right"


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_gated_file_may_be_refused_without_saying_why(mirror: HubMirror, status: int) -> None:
    hub = replace(mirror.add(CONTENT), gated=True)
    mirror.status = status
    with pytest.raises(BenchmarkError, match="is gated by its publisher"):
        fetch_file(hub, "Sums")


def test_a_token_that_is_refused_is_said_so(mirror: HubMirror) -> None:
    hub = mirror.add(CONTENT)
    mirror.status = 403
    with pytest.raises(BenchmarkError, match=r"refuses the token \(HTTP 403\).*unset HF_TOKEN"):
        fetch_file(hub, "Sums", token="hf_wrong")  # noqa: S106 - one that nothing takes


@pytest.mark.parametrize(
    ("status", "error_code", "complaint"),
    [
        (404, "EntryNotFound", r"has no data/questions\.jsonl at revision [0-9a-f]{7}"),
        (404, "RevisionNotFound", r"has no data/questions\.jsonl at revision"),
        (404, "RepoNotFound", r"has no data/questions\.jsonl at revision"),
        (404, None, r"has no data/questions\.jsonl at revision"),
        (403, None, r"refuses \(HTTP 403\), though it asks for no token: a proxy or a filter"),
        (500, None, "answers HTTP 500; run again later"),
        (503, None, "answers HTTP 503; run again later"),
    ],
)
def test_refusals_say_what_to_do(
    mirror: HubMirror, status: int, error_code: str | None, complaint: str
) -> None:
    hub = mirror.add(CONTENT)
    mirror.status, mirror.error_code = status, error_code
    with pytest.raises(BenchmarkError, match=complaint):
        fetch_file(hub, "Sums")
    assert cached_file(hub) is None


def test_offline_says_what_to_do(mirror: HubMirror, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = mirror.add(CONTENT)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(BenchmarkError, match="HF_HUB_OFFLINE is set; unset it once"):
        fetch_file(hub, "Sums")
    assert mirror.requests == []


def test_nobody_there_says_what_to_do(mirror: HubMirror, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = mirror.add(CONTENT)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(BenchmarkError, match=r"127\.0\.0\.1:9 \(.*\); check the connection"):
        fetch_file(hub, "Sums")


def test_something_that_is_no_hub_says_what_to_do(mirror: HubMirror) -> None:
    hub = mirror.add(CONTENT)
    mirror.plain = True
    with pytest.raises(BenchmarkError, match=r"cannot be downloaded from http://127\.0\.0\.1:"):
        fetch_file(hub, "Sums")


def test_fetching_by_name(mirror: HubMirror) -> None:
    hub = mirror.add(CONTENT)
    card = BenchmarkCard("sums", "Sums", "Sums-v0", "integer", hub=hub)
    register_benchmark(card, PublishedLoader(card))

    def row() -> registry.BenchmarkListing:
        return next(row for row in registry.list_benchmarks() if row.name == "sums")

    try:
        assert row().file is None
        assert not row().cached
        path = registry.fetch_benchmark("sums", progress=False)
        assert path.read_bytes() == CONTENT
        assert row().file == path
        assert row().cached
    finally:
        unregister_benchmark("sums")


@pytest.mark.parametrize("name", ["arithmetic", "questions", "reasoning-gym"])
def test_what_has_no_file_cannot_be_fetched(name: str) -> None:
    with pytest.raises(BenchmarkError, match="has nothing to download"):
        registry.fetch_benchmark(name)


def test_parts_that_killed_downloads_left_are_removed_an_hour_later(mirror: HubMirror) -> None:
    hub = mirror.add(CONTENT)
    blob = fetch_file(hub, "Sums").resolve()
    old, new = (blob.with_name(f"{blob.name}.{mark}.incomplete") for mark in ("aa", "bb"))
    for part in (old, new):
        part.write_bytes(b"half")
    os.utime(old, (0, 0))
    assert fetch_file(hub, "Sums").resolve() == blob
    assert not old.exists()
    assert new.exists()
