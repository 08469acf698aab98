"""Writing down every vote, so that a run can be read afterwards.

- `RecordRollouts`: the wrapper.
- `read_rollouts`: reads what it wrote, also after a crash.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Literal

import numpy.typing as npt
from gymnasium.vector import VectorEnv, VectorWrapper

from ttrl_env.completion import Completion
from ttrl_env.wrappers.consensus_reward import find_consensus_reward, finished_info

__all__ = ["RecordRollouts", "read_rollouts"]

Array = npt.NDArray[Any]
Format = Literal["jsonl", "parquet"]

_PART = re.compile(r"rollouts-(\d{6})\.(jsonl|parquet)")


class RecordRollouts(VectorWrapper):
    """Writes every question, completion, answer, vote and reward to a folder.

    Goes around a `ConsensusReward`. Each group is a row: `step` (from 0), `question_id`,
    `position`, `prompt`, `rephrased_prompt` (of the second half of the completions, or null),
    `consensus`, `majority_ratio`, `abstained`, and `completions`, each with `text`, `answer`,
    `vote` (its class in the group, -1 for none), `reward`, `finished` and `tokens` (or null). No
    label is written.

    Rows go to parts, `rollouts-000000.jsonl` and so on; a part is closed when it is large enough,
    and one that exists is never written to again. After a step returns, its rows are on the disk.
    A crash can tear the last row of the last part, which `read_rollouts` leaves out. With
    `file_format="parquet"`, a part that is closed is rewritten as Parquet, all or nothing.

    Args:
        env: A vector environment with a `ConsensusReward` inside.
        folder: Where to write; made if it is missing.
        file_format: `"jsonl"` or `"parquet"`.
        part_bytes: The size from which a part is closed.

    Raises:
        ValueError: There is no `ConsensusReward` inside, or an argument is out of range.
    """

    def __init__(
        self,
        env: VectorEnv[Any, Any, Any],
        folder: str | os.PathLike[str],
        *,
        file_format: Format = "jsonl",
        part_bytes: int = 64 * 2**20,
    ) -> None:
        super().__init__(env)
        self._groups = find_consensus_reward(env).groups
        if file_format not in ("jsonl", "parquet"):
            raise ValueError(f"file_format must be 'jsonl' or 'parquet', not {file_format!r}")
        if part_bytes < 1:
            raise ValueError(f"part_bytes must be 1 or more, not {part_bytes}")
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._format = file_format
        self._part_bytes = part_bytes
        self._file: IO[bytes] | None = None
        self._path = self.folder
        self._size = 0
        self._step = 0
        self._prompts: tuple[str, ...] = ()

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        """Resets, and remembers the prompts."""
        observations, infos = self.env.reset(**kwargs)
        self._prompts = tuple(observations)
        return observations, infos

    def step(self, actions: Any) -> tuple[Any, Array, Array, Array, dict[str, Any]]:
        """Steps, and writes down every group that ended.

        Raises:
            OSError: The rows cannot be written. None of them is then, and the step has been taken.
            TypeError: The actions are no text; give this wrapper a place inside `TokenActions`.
        """
        strangers = [each for each in actions if not isinstance(each, str)]
        if strangers:
            raise TypeError(
                f"RecordRollouts writes text, and was given {type(strangers[0]).__name__}; wrap it "
                "in TokenActions rather than around it"
            )
        asked = self._prompts
        result = self.env.step(actions)
        observations, rewards, _, _, infos = result
        self._prompts = tuple(observations)
        final = finished_info(infos)
        rows = [
            self._row(members, asked, actions, rewards, final)
            for members in self._groups
            if final["_vote"][members.start]
        ]
        if rows:
            self._write(rows)
        self._step += 1
        return result

    def close(self, **kwargs: Any) -> None:
        """Closes the last part, and the environment."""
        self._close_part()
        super().close(**kwargs)

    def _row(
        self, members: slice, asked: tuple[str, ...], actions: Any, rewards: Array, final: Any
    ) -> dict[str, Any]:
        first = members.start
        return {
            "step": self._step,
            "question_id": final["question_id"][first],
            "position": int(final["position"][first]),
            "prompt": asked[first],
            "rephrased_prompt": asked[members.stop - 1] if "variant" in final else None,
            "consensus": final["consensus"][first],
            "majority_ratio": float(final["majority_ratio"][first]),
            "abstained": bool(final["abstained"][first]),
            "completions": [
                {
                    "text": text,
                    "answer": answer,
                    "vote": int(vote),
                    "reward": float(reward),
                    "finished": bool(finished),
                    "tokens": _tokens(text),
                }
                for text, answer, vote, reward, finished in zip(
                    actions[members],
                    final["answer"][members],
                    final["vote"][members],
                    rewards[members],
                    final["finished"][members],
                    strict=True,
                )
            ],
        }

    def _write(self, rows: list[dict[str, Any]]) -> None:
        file = self._open_part() if self._file is None else self._file
        # Escaped to ASCII, which holds lone surrogates too.
        data = "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows).encode("ascii")
        try:
            _write_all(file, data)
            os.fsync(file.fileno())
        except OSError:
            # A row that is there by half would spoil the ones to come.
            file.truncate(self._size)
            file.seek(self._size)
            raise
        self._size += len(data)
        if self._size >= self._part_bytes:
            self._close_part()

    def _open_part(self) -> IO[bytes]:
        taken = [number for number, _ in _parts(self.folder)]
        number = max(taken, default=-1) + 1
        while self._file is None:
            self._path = self.folder / f"rollouts-{number:06d}.jsonl"
            try:
                self._file = self._path.open("xb", buffering=0)
            except FileExistsError:  # another process writes to this folder
                number += 1
        self._size = 0
        _sync_folder(self.folder)
        return self._file

    def _close_part(self) -> None:
        if self._file is None:
            return
        self._file.close()
        self._file = None
        if self._format == "parquet":
            _rewrite_as_parquet(self._path)


def read_rollouts(folder: str | os.PathLike[str]) -> Iterator[dict[str, Any]]:
    """Reads the rows of a folder in the order in which they were written.

    Args:
        folder: Where `RecordRollouts` wrote.

    Yields:
        The rows, as `RecordRollouts` describes them, from JSON Lines and Parquet alike.

    Raises:
        ValueError: A line other than a torn last one cannot be read.
    """
    for _, path in _parts(Path(folder)):
        if path.suffix == ".parquet":
            import pyarrow.parquet as pq

            for batch in pq.ParquetFile(path).iter_batches(batch_size=256):
                yield from batch.to_pylist()
        else:
            yield from _json_rows(path)


def _json_rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return  # torn by a crash: a whole row ends its line
            try:
                row: dict[str, Any] = json.loads(line)
            except ValueError as error:
                raise ValueError(f"{path}, line {number}: not a row of JSON: {error}") from error
            yield row


def _parts(folder: Path) -> list[tuple[int, Path]]:
    """The parts by number; of one that is there twice, the Parquet file, which is whole."""
    found: dict[int, Path] = {}
    for path in sorted(folder.iterdir()):  # .jsonl comes before .parquet
        match = _PART.fullmatch(path.name)
        if match:
            found[int(match[1])] = path
    return sorted(found.items())


def _rewrite_as_parquet(path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    vote = pa.struct(
        [
            ("text", pa.string()),
            ("answer", pa.string()),
            ("vote", pa.int64()),
            ("reward", pa.float64()),
            ("finished", pa.bool_()),
            ("tokens", pa.int64()),
        ]
    )
    schema = pa.schema(
        [
            ("step", pa.int64()),
            ("question_id", pa.string()),
            ("position", pa.int64()),
            ("prompt", pa.string()),
            ("rephrased_prompt", pa.string()),
            ("consensus", pa.string()),
            ("majority_ratio", pa.float64()),
            ("abstained", pa.bool_()),
            ("completions", pa.list_(vote)),
        ]
    )
    rows = [_encodable(row) for row in _json_rows(path)]
    target = path.with_suffix(".parquet")
    partial = target.with_name(target.name + ".partial")
    with partial.open("wb") as file:
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(target)
    _sync_folder(path.parent)
    path.unlink()


def _encodable(value: Any) -> Any:
    """The value with lone surrogates written out, as Parquet holds valid UTF-8 alone."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {key: _encodable(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_encodable(each) for each in value]
    return value


def _write_all(file: IO[bytes], data: bytes) -> None:
    """Writes it all: without a buffer, one call may write less."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def _tokens(text: str) -> int | None:
    if isinstance(text, Completion) and text.token_ids is not None:
        return len(text.token_ids)
    return None


def _sync_folder(folder: Path) -> None:
    """Makes sure that the names in a folder outlast a crash, where the system can."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
