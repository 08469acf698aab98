"""Files of questions that are damaged, odd or hostile, made at random.

- `hostile_file`: one of them.
"""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["hostile_file"]

NAMES = (
    *("question", "problem", "prompt", "instruction", "input", "messages", "conversations"),
    *("answer", "label", "solution", "reward_model", "answerKey", "output"),
    *("id", "level", "options", "choices", "A", "B", "C", "option_a", "option1", "", "\x1b[2J"),
)
TEXTS = (
    *("", " ", "a", "7", "-1", "B", "(b)", "A) one", "#### 18", "\\boxed{5}", "\\boxed{" * 50),
    *(
        "\ud800",
        "\0",
        "\x1b]0;owned\x07",
        "\u202e",
        "[bold]",
        "[/]",
        "=cmd|' /C calc'!A0",
        "{{ 1/0 }}",
    ),
    *("<|im_end|>", "${HOME}", "%s" * 20, "../../etc/passwd", "[{", "[" * 5000, "1" * 5000),
    *("x" * 2000, "\u2028", "NaN", "1e999", "null", '["x", "y"]', '{"A": 1}'),
)


def _value(rng: random.Random, depth: int = 0) -> Any:
    kinds = 9 if depth < 3 else 6
    match rng.randrange(kinds):
        case 0:
            return rng.choice([None, True, False])
        case 1:
            return rng.choice([0, 1, 2, -1, 7.0, 0.25, 10**30, 1e308, float("nan"), float("inf")])
        case 6:
            return [_value(rng, depth + 1) for _ in range(rng.randrange(4))]
        case 7:
            keys = rng.sample(["text", "label", "A", "B", "ground_truth", "role", "content"], 2)
            return {key: _value(rng, depth + 1) for key in keys}
        case 8:
            roles = ["system", "user", "assistant", "tool", None]
            return [
                {"role": rng.choice(roles), "content": _value(rng, depth + 1)}
                for _ in range(rng.randrange(4))
            ]
        case _:
            return rng.choice(TEXTS)


def _rows(rng: random.Random) -> list[dict[str, Any]]:
    names = rng.sample(NAMES, rng.randint(1, 6))
    if rng.random() < 0.8:
        names = ["question", *(name for name in names if name != "question")]
    rows = [{name: _value(rng) for name in names} for _ in range(rng.randint(1, 6))]
    if rng.random() < 0.7:  # mostly readable, so that what comes after is reached too
        for number, row in enumerate(rows):
            row[names[0]] = f"What is {number} + {rng.randrange(3)}?"
    return rows


def _as_json(rows: list[dict[str, Any]], rng: random.Random) -> bytes:
    return json.dumps(rows, indent=rng.choice([None, 1])).encode()


def _as_lines(rows: list[dict[str, Any]], rng: random.Random) -> bytes:
    return "".join(json.dumps(row) + rng.choice(["\n", "\r\n", "\n\n"]) for row in rows).encode()


def _as_csv(rows: list[dict[str, Any]], rng: random.Random) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=rng.choice(",,,;\t|"))
    writer.writerow([*rows[0], *[""] * rng.randrange(3)])
    for row in rows:
        writer.writerow([*map(str, row.values()), *[""] * rng.randrange(3)])
    text = rng.choice(["", "", "sep=;\n", "\ufeff"]) + out.getvalue()
    return text.encode("utf-8", "surrogatepass" if rng.random() < 0.1 else "replace")


def _as_parquet(rows: list[dict[str, Any]], rng: random.Random) -> bytes:
    texts = [{str(key): json.dumps(value) for key, value in row.items()} for row in rows]
    out = io.BytesIO()
    table = pa.Table.from_pylist(texts)
    pq.write_table(table, out, compression=rng.choice(["none", "snappy", "zstd"]))
    return out.getvalue()


WRITERS: dict[str, Callable[[list[dict[str, Any]], random.Random], bytes]] = {
    ".json": _as_json,
    ".jsonl": _as_lines,
    ".csv": _as_csv,
    ".tsv": _as_csv,
    ".parquet": _as_parquet,
}


def hostile_file(folder: Path, rng: random.Random) -> Path:
    """Writes a file of questions into a folder, one in three of them damaged, and returns it."""
    suffix = rng.choice(list(WRITERS))
    data = WRITERS[suffix](_rows(rng), rng)
    if rng.random() < 0.33:
        place = rng.randrange(len(data) + 1)
        data = rng.choice(
            [
                data[:place],
                data[:place] + rng.randbytes(4) + data[place:],
                data + data,
                b"[" * 100_000,
                bytes(rng.randrange(256) for _ in range(64)),
            ]
        )
    path = folder / f"questions{suffix}"
    path.write_bytes(data)
    return path
