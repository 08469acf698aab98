"""RecordRollouts: every vote is written down, and read again after whatever happens."""

from __future__ import annotations

import copy
import json
import os
import pickle
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from env_fakes import NO_ANSWER, boxed, guesses, sums

from ttrl_env import (
    Completion,
    ConsensusReward,
    RecordRollouts,
    TTRLVectorEnv,
    finished_info,
    read_rollouts,
    records,
)
from ttrl_env.testing import check_vector_env

FORMATS = ["jsonl", "parquet"]


def make(folder: Path, file_format: str = "jsonl", **kwargs: Any) -> RecordRollouts:
    mode = kwargs.pop("autoreset_mode", "SAME_STEP")
    envs = ConsensusReward(TTRLVectorEnv(4, sums(), 2, autoreset_mode=mode))
    return RecordRollouts(envs, folder, file_format=file_format, **kwargs)


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_row_says_it_all(file_format: str, tmp_path: Path) -> None:
    envs = make(tmp_path / "deep" / "folder", file_format)
    prompts, infos = envs.reset(seed=0)
    told = Completion(boxed("07"), token_ids=[1, 2, 3], finished=False)
    envs.step([boxed(7), told, "π 答え \\boxed{π}", NO_ANSWER])
    envs.close()
    envs.close()
    first, second = read_rollouts(tmp_path / "deep" / "folder")
    assert first == {
        "step": 0,
        "question_id": infos["question_id"][0],
        "position": 0,
        "prompt": prompts[0],
        "rephrased_prompt": None,
        "consensus": "7",
        "majority_ratio": 1.0,
        "abstained": False,
        "completions": [
            {
                "text": boxed(7),
                "answer": "7",
                "vote": 0,
                "reward": 1.0,
                "finished": True,
                "tokens": None,
            },
            {
                "text": boxed("07"),
                "answer": "07",
                "vote": 0,
                "reward": 1.0,
                "finished": False,
                "tokens": 3,
            },
        ],
    }
    assert second["completions"][0]["text"] == "π 答え \\boxed{π}"
    assert second["completions"][1]["answer"] is None
    assert second["completions"][1]["vote"] == -1
    assert len({path.suffix for path in (tmp_path / "deep" / "folder").iterdir()}) == 1


@pytest.mark.parametrize("file_format", FORMATS)
def test_both_wordings_are_written(file_format: str, tmp_path: Path) -> None:
    envs = RecordRollouts(
        ConsensusReward(TTRLVectorEnv(4, sums(), 4, rephrase=str.upper), "co_rewarding"),
        tmp_path,
        file_format=file_format,  # type: ignore[arg-type]
    )
    prompts, _ = envs.reset(seed=0)
    envs.step([boxed(1)] * 4)
    envs.close()
    (row,) = read_rollouts(tmp_path)
    assert (row["prompt"], row["rephrased_prompt"]) == (prompts[0], prompts[3])
    assert prompts[0] != prompts[3]


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("mode", ["SAME_STEP", "NEXT_STEP", "DISABLED"])
def test_every_vote_of_a_run_is_there_once(mode: str, file_format: str, tmp_path: Path) -> None:
    envs = make(tmp_path, file_format, autoreset_mode=mode, part_bytes=400)
    observations, _ = envs.reset(seed=3)
    expected = []
    for step in range(12):
        texts = guesses(4, step)
        asked = observations
        observations, rewards, terminations, _, infos = envs.step(texts)
        if terminations.any():
            final = finished_info(infos)
            expected += [
                (step, asked[i], final["question_id"][i], texts[i : i + 2], rewards[i : i + 2])
                for i in (0, 2)
            ]
        if mode == "DISABLED":
            observations, _ = envs.reset(options={"reset_mask": terminations})
    envs.close()
    rows = list(read_rollouts(tmp_path))
    assert len(rows) == len(expected) == (12 if mode == "NEXT_STEP" else 24)
    for row, (step, prompt, question_id, texts, rewards) in zip(rows, expected, strict=True):
        assert (row["step"], row["prompt"], row["question_id"]) == (step, prompt, question_id)
        assert [each["text"] for each in row["completions"]] == texts
        assert [each["reward"] for each in row["completions"]] == rewards.tolist()
    parts = sorted(tmp_path.iterdir())
    assert len(parts) > 3  # it was rotated,
    assert all(part.suffix == "." + file_format for part in parts)
    assert [part.stem for part in parts] == [f"rollouts-{n:06d}" for n in range(len(parts))]


@pytest.mark.parametrize("file_format", FORMATS)
def test_another_run_in_the_folder_goes_on_in_parts_of_its_own(
    file_format: str, tmp_path: Path
) -> None:
    for run in range(3):
        envs = make(tmp_path, file_format)
        envs.reset(seed=run)
        envs.step(guesses(4, run))
        envs.close()
    assert len(list(tmp_path.iterdir())) == 3
    assert len(list(read_rollouts(tmp_path))) == 6


def test_two_writers_share_no_part(tmp_path: Path) -> None:
    one, other = make(tmp_path), make(tmp_path)
    for envs in (one, other, one, other):
        envs.reset(seed=0)
        envs.step(guesses(4, 0))
    one.close()
    other.close()
    assert len(list(tmp_path.iterdir())) == 2
    assert len(list(read_rollouts(tmp_path))) == 8


def test_a_second_process_is_told_who_records(tmp_path: Path) -> None:
    here = Path(__file__).parent
    code = textwrap.dedent(KILLED).format(
        tests=str(here), folder=str(tmp_path), file_format="jsonl"
    )
    path = os.pathsep.join([str(here.parent), *sys.path])
    envs = make(tmp_path)
    other = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert f"is in use: process {os.getpid()} on " in other.stderr
    assert "FolderInUseError" in other.stderr
    envs.reset(seed=0)
    envs.step(guesses(4, 0))
    envs.close()
    assert [each.name for each in tmp_path.iterdir()] == ["rollouts-000000.jsonl"]


def through_pickle(envs: RecordRollouts) -> Any:
    return pickle.loads(pickle.dumps(envs))  # noqa: S301 - our own


@pytest.mark.parametrize("copied", [copy.deepcopy, through_pickle])
def test_a_copy_goes_on_in_a_part_of_its_own(copied: Any, tmp_path: Path) -> None:
    envs = make(tmp_path)
    envs.reset(seed=0)
    envs.step(guesses(4, 0))
    other = copied(envs)
    for each in (other, envs):
        each.step(guesses(4, 1))
        each.close()
    assert [row["step"] for row in read_rollouts(tmp_path)] == [0, 0, 1, 1, 1, 1]
    assert len(list(tmp_path.iterdir())) == 2


def test_what_a_killed_process_left_half_written_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".rollouts-000003.parquet.tmp").write_bytes(b"half a part")
    make(tmp_path, "parquet").close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("file_format", FORMATS)
def test_lone_surrogates_do_no_harm(file_format: str, tmp_path: Path) -> None:
    envs = make(tmp_path, file_format)
    envs.reset(seed=0)
    envs.step(["\ud800 \\boxed{\udfff}", boxed(1), "\x00\x1b", "\u2028"])
    envs.close()
    first, second = read_rollouts(tmp_path)
    written = "\ud800" if file_format == "jsonl" else "\\ud800"
    assert first["completions"][0]["text"].startswith(written)
    assert [each["text"] for each in second["completions"]] == ["\x00\x1b", "\u2028"]


def test_what_a_crash_tears_is_left_out(tmp_path: Path) -> None:
    envs = make(tmp_path)
    envs.reset(seed=0)
    for step in range(3):
        envs.step(guesses(4, step))
    (part,) = tmp_path.glob("rollouts-*")
    whole = part.read_bytes()
    for size in range(len(whole), 0, -97):
        part.write_bytes(whole[:size])
        rows = list(read_rollouts(tmp_path))
        assert len(rows) == whole[:size].count(b"\n")
    part.write_bytes(whole[:100] + b"\n" + whole)
    with pytest.raises(ValueError, match=r"rollouts-000000\.jsonl, line 1: not a row of JSON"):
        list(read_rollouts(tmp_path))


def test_rows_are_on_the_disk_when_step_returns(tmp_path: Path) -> None:
    envs = make(tmp_path)
    envs.reset(seed=0)
    for step in range(3):
        envs.step(guesses(4, step))
        assert len(list(read_rollouts(tmp_path))) == 2 * (step + 1)


def test_every_step_is_synchronized(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    envs = make(tmp_path)
    envs.reset(seed=0)
    envs.step(guesses(4, 0))
    (part,) = tmp_path.glob("rollouts-*")
    sizes = []
    monkeypatch.setattr(os, "fsync", lambda _: sizes.append(part.stat().st_size))
    for step in range(3):
        envs.step(guesses(4, step))
    assert len(sizes) == 3
    assert sizes[-1] == part.stat().st_size


KILLED = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from test_record_rollouts import guesses, make
envs = make(Path({folder!r}), {file_format!r}, part_bytes=4000)
envs.reset(seed=0)
for step in range(10**6):
    envs.step(guesses(4, step))
    print(step, flush=True)
"""


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_killed_run_has_lost_nothing_that_it_told(file_format: str, tmp_path: Path) -> None:
    here = Path(__file__).parent
    code = textwrap.dedent(KILLED).format(
        tests=str(here), folder=str(tmp_path), file_format=file_format
    )
    path = os.pathsep.join([str(here.parent), *sys.path])
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert process.stdout is not None
    told = -1
    for line in process.stdout:
        told = int(line)
        if told >= 40:
            process.send_signal(signal.SIGKILL)
            break
    rest = process.stdout.read().split()
    process.wait()
    told = max([told, *map(int, rest)])
    rows = list(read_rollouts(tmp_path))
    steps = [row["step"] for row in rows]
    assert steps == [step for step in range(told + 2) for _ in range(2)][: len(steps)]
    assert len(steps) >= 2 * (told + 1)


def test_a_crash_between_rewriting_and_removing_counts_nothing_twice(tmp_path: Path) -> None:
    envs = make(tmp_path, "parquet")
    envs.reset(seed=0)
    envs.step(guesses(4, 0))
    (part,) = tmp_path.glob("rollouts-*")
    lines = part.read_bytes()
    envs.close()
    part.write_bytes(lines)  # as if it had not been removed yet
    (tmp_path / "rollouts-000001.parquet.partial").write_bytes(b"half a part")
    assert len(list(read_rollouts(tmp_path))) == 2


def test_a_full_disk_is_told_and_spoils_no_later_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    envs = make(tmp_path)
    envs.reset(seed=0)
    envs.step(guesses(4, 0))

    def write_half(file: Any, data: bytes) -> None:
        file.write(data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(records, "_write_all", write_half)
        with pytest.raises(OSError, match="No space left"):
            envs.step(["a row much longer than the next " * 100] * 4)
    envs.step(guesses(4, 2))
    envs.close()
    assert len(list(read_rollouts(tmp_path))) == 4


def test_recording_changes_nothing(tmp_path: Path) -> None:
    recorded = make(tmp_path)
    plain = ConsensusReward(TTRLVectorEnv(4, sums(), 2))
    assert recorded.reset(seed=1)[0] == plain.reset(seed=1)[0]
    for step in range(3):
        one, other = recorded.step(guesses(4, step)), plain.step(guesses(4, step))
        assert one[0] == other[0]
        np.testing.assert_array_equal(one[1], other[1])


def test_no_label_is_written(tmp_path: Path) -> None:
    envs = make(tmp_path)
    envs.reset(seed=0)
    envs.step(guesses(4, 0))
    row = json.loads(next(tmp_path.glob("rollouts-*")).read_text().splitlines()[0])
    assert not any("label" in key for key in (*row, *row["completions"][0]))


@pytest.mark.parametrize("mode", ["SAME_STEP", "NEXT_STEP", "DISABLED"])
def test_it_keeps_the_contract(mode: str, tmp_path: Path) -> None:
    check_vector_env(make(tmp_path, autoreset_mode=mode))


def test_what_it_cannot_write_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no ConsensusReward inside"):
        RecordRollouts(TTRLVectorEnv(4, sums(), 2), tmp_path)
    with pytest.raises(ValueError, match="'jsonl' or 'parquet', not 'csv'"):
        make(tmp_path, "csv")
    with pytest.raises(ValueError, match="part_bytes must be 1 or more, not 0"):
        make(tmp_path, part_bytes=0)
    envs = make(tmp_path)
    envs.reset(seed=0)
    with pytest.raises(TypeError, match="given ndarray; wrap it in TokenActions"):
        envs.step(np.zeros((4, 3), dtype=np.int64))
    envs.close()
    assert list(tmp_path.iterdir()) == []
