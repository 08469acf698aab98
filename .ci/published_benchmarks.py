"""The published benchmarks in the default install: by download, offline, and by `path=`.

The publishers' own files are not part of the repository, so a mirror on loopback serves made-up
ones of the same formats, columns and sizes. Only their checksums differ, and are replaced here.

    PYTHONPATH=tests/helpers python .ci/published_benchmarks.py
"""

from __future__ import annotations

import csv
import io
import json
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

import gymnasium as gym
import pyarrow as pa
import pyarrow.parquet as pq
from hub_mirror import HubMirror

import ttrl_env  # noqa: F401 - registers the environments
from ttrl_benchmarks import BenchmarkWarning, benchmark_card

Row = dict[str, Any]
ACCESS = "hf_made_up"
WIKI = "https://example.org/2024_AIME_{paper}_Problems/Problem_{problem}"


def sums(count: int) -> Iterable[tuple[int, str, int]]:
    """Yields a number, a question and its answer."""
    return ((n, f"What is {n} + {n}?", 2 * n) for n in range(count))


def aime24() -> list[Row]:
    exams = [(paper, problem) for paper in ("I", "II") for problem in range(1, 16)]
    exams.sort(key=lambda each: WIKI.format(paper=each[0], problem=each[1]))  # as published
    rows = zip(sums(30), exams, strict=True)
    return [
        {
            "id": 60 + n,
            "problem": question,
            "solution": "Add.",
            "answer": f"{answer:03d}",
            "url": WIKI.format(paper=paper, problem=problem),
            "year": "2024",
        }
        for (n, question, answer), (paper, problem) in rows
    ]


def aime25() -> list[Row]:
    return [{"problem": text, "answer": str(answer), "id": str(n)} for n, text, answer in sums(30)]


def amc() -> list[Row]:
    return [
        {"id": n, "problem": text, "answer": float(answer), "url": WIKI}
        for n, text, answer in sums(83)
    ]


def math500() -> list[Row]:
    sizes = {1: 43, 2: 90, 3: 105, 4: 128, 5: 134}
    levels = [level for level, size in sizes.items() for _ in range(size)]
    return [
        {
            "problem": text,
            "solution": "Add.",
            "answer": f"\\frac{{{2 * answer}}}{{2}}",
            "subject": "Algebra",
            "level": level,
            "unique_id": f"test/algebra/{n}.json",
        }
        for (n, text, answer), level in zip(sums(500), levels, strict=True)
    ]


def gpqa() -> list[Row]:
    return [
        {
            "Question": text,
            "Correct Answer": str(answer),
            **{f"Incorrect Answer {wrong}": str(answer + wrong) for wrong in (1, 2, 3)},
        }
        for _, text, answer in sums(198)
    ]


FILES: dict[str, Callable[[], list[Row]]] = {
    "aime24": aime24,
    "aime25": aime25,
    "amc": amc,
    "math500": math500,
    "gpqa": gpqa,
}


def to_bytes(rows: list[Row], suffix: str) -> bytes:
    """Returns rows in the format that a suffix names."""
    if suffix == ".parquet":
        binary = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows), binary)
        return binary.getvalue()
    if suffix == ".jsonl":
        return "".join(json.dumps(row) + "\n" for row in rows).encode()
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def check_it_votes(env_id: str, **options: Any) -> None:
    """Plays one episode: the majority of three completions is rewarded."""
    env = gym.make(env_id, group_size=3, **options)
    prompt, _ = env.reset(seed=0)
    assert "What is" in prompt, prompt
    for answer in ("A", "B", "B") if env_id == "TTRL-GPQA-v0" else ("1", "2", "2"):
        _, _, terminated, _, info = env.step(f"\\boxed{{{answer}}}")
    assert terminated
    assert info["consensus"] == answer
    assert list(info["rewards"]) == [0, 1, 1]
    env.close()


def check(name: str, mirror: HubMirror, folder: Path) -> None:
    """Loads one benchmark in each way that a user would."""
    card = benchmark_card(name)
    hub = card.hub
    assert hub is not None
    content = to_bytes(FILES[name](), Path(hub.filename).suffix)
    # The one thing that a made-up file cannot have; the cards are frozen, hence this way.
    object.__setattr__(hub, "sha256", sha256(content).hexdigest())
    mirror.serve(hub, content)
    mirror.required_token = ACCESS if hub.gated else None
    warnings.simplefilter("error", BenchmarkWarning)
    check_it_votes(card.env_id)
    asked = len(mirror.requests)
    assert asked > 0
    check_it_votes(card.env_id, download=False)
    assert len(mirror.requests) == asked, "a cached file was asked for again"
    if name == "math500":
        check_it_votes("TTRL-MATH500-L3-v0", download=False)
    path = folder / Path(hub.filename).name
    path.write_bytes(content)
    check_it_votes(card.env_id, path=path, download=False)
    print(f"{card.env_id}: downloads as {path.suffix}, then loads offline, and by path=")


def main() -> None:
    """Checks every published benchmark."""
    with tempfile.TemporaryDirectory() as scratch, HubMirror() as mirror:
        # Read by the client when it is imported, which nothing has done so far.
        assert "huggingface_hub" not in sys.modules
        os.environ |= {"HF_HOME": scratch, "HF_ENDPOINT": mirror.url, "HF_TOKEN": ACCESS}
        for variable in ("HF_HUB_OFFLINE", "HF_HUB_CACHE", "TTRL_DATA_DIR"):
            os.environ.pop(variable, None)
        for name in FILES:
            check(name, mirror, Path(scratch))
    assert "torch" not in sys.modules


if __name__ == "__main__":
    main()
