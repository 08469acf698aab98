"""The lock of a folder: one process at a time, never left behind, and a message that says who."""

import errno
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from ttrl_env import locks
from ttrl_env.locks import LOCK, FolderInUseError, FolderLock, LockWarning

# The module alone: importing the package would take a second in each process.
ALONE = f"""
import importlib.util, pathlib, sys, time
spec = importlib.util.spec_from_file_location("locks", {locks.__file__!r})
locks = sys.modules["locks"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(locks)
folder = pathlib.Path(sys.argv[1])
"""
HOLDER = (
    ALONE
    + """
lock = locks.FolderLock(folder)
print("held", flush=True)
time.sleep(60)
"""
)
FORKER = (
    ALONE
    + """
import os
lock = locks.FolderLock(folder)
if os.fork() == 0:
    print("held", flush=True)
time.sleep(60)
"""
)
TAKER = (
    ALONE
    + """
try:
    locks.FolderLock(folder)
except locks.FolderInUseError as error:
    print(error)
else:
    print("taken")
"""
)
RACER = (
    ALONE
    + """
got = 0
until = time.monotonic() + 1.5
while time.monotonic() < until:
    try:
        with locks.FolderLock(folder):
            (folder / "mine").touch(exist_ok=False)
            (folder / "mine").unlink()
            got += 1
    except locks.FolderInUseError:
        pass
print(got)
"""
)


def start_holder(folder: Path) -> subprocess.Popen[str]:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def end(process: subprocess.Popen[str], number: int = signal.SIGKILL) -> None:
    process.send_signal(number)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def try_elsewhere(folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", TAKER, str(folder)], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_the_message_names_host_process_and_command(tmp_path: Path) -> None:
    holder = start_holder(tmp_path)
    try:
        with pytest.raises(FolderInUseError) as refused:
            FolderLock(tmp_path)
        assert re.fullmatch(
            rf"{re.escape(str(tmp_path))} is in use: process {holder.pid} on \S+ "
            rf"\(-c {re.escape(str(tmp_path))}, since [-\d]+ [:\d]+\) writes into it\. .*",
            str(refused.value),
        )
    finally:
        end(holder)


def test_a_process_that_is_killed_leaves_no_lock(tmp_path: Path) -> None:
    end(start_holder(tmp_path))
    assert (tmp_path / LOCK).exists()
    with FolderLock(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_of_many_processes_one_at_a_time_has_the_lock(tmp_path: Path) -> None:
    with FolderLock(tmp_path):
        assert "is in use" in try_elsewhere(tmp_path)
    assert try_elsewhere(tmp_path) == "taken"


def test_one_process_may_lock_a_folder_twice(tmp_path: Path) -> None:
    one = FolderLock(tmp_path)
    other = FolderLock(tmp_path / ".." / tmp_path.name)
    one.release()
    one.release()
    assert "is in use" in try_elsewhere(tmp_path)
    other.release()
    assert try_elsewhere(tmp_path) == "taken"


def test_locks_of_different_names_do_not_meet(tmp_path: Path) -> None:
    holder = start_holder(tmp_path)
    try:
        with FolderLock(tmp_path, name=".report.lock"):
            pass
    finally:
        end(holder)


def test_a_lock_that_is_forgotten_is_released(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path)
    del lock
    assert try_elsewhere(tmp_path) == "taken"


def test_an_unused_folder_goes_with_its_lock(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "one"
    with FolderLock(folder):
        assert folder.is_dir()
    assert list(tmp_path.iterdir()) == []
    with FolderLock(folder):
        (folder / "config.json").touch()
    assert [each.name for each in folder.iterdir()] == ["config.json"]


def test_an_empty_folder_that_was_there_stays(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    with FolderLock(folder):
        pass
    assert folder.is_dir()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_does_not_keep_the_lock_of_its_parent(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", FORKER, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    group = os.getpgid(holder.pid)
    end(holder)  # the fork lives on
    try:
        assert try_elsewhere(tmp_path) == "taken"
    finally:
        os.killpg(group, signal.SIGKILL)


def test_without_locks_a_warning_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(descriptor: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(locks, "_lock", fails)
    with pytest.warns(LockWarning, match=r"has no locks \(No locks available\): nothing keeps"):
        lock = FolderLock(tmp_path)
    lock.release()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "{", "[" * 4000, '{"pid": 1}', "\x00"])
def test_a_torn_lock_file_is_described_as_another_process(tmp_path: Path, text: str) -> None:
    holder = start_holder(tmp_path)
    try:
        (tmp_path / LOCK).write_text(text)
        with pytest.raises(FolderInUseError, match="in use: another process writes"):
            FolderLock(tmp_path)
    finally:
        end(holder)


def test_a_folder_that_goes_while_it_is_made_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, calls = Path.mkdir, []

    def mkdir(self: Path, *arguments: Any, **options: Any) -> None:
        calls.append(self)
        if len(calls) == 1:
            raise FileExistsError(errno.EEXIST, "File exists", str(self))
        make(self, *arguments, **options)

    monkeypatch.setattr(Path, "mkdir", mkdir)
    with FolderLock(tmp_path / "new"):
        assert (tmp_path / "new" / LOCK).exists()


def test_many_who_race_for_a_folder_never_have_it_together(tmp_path: Path) -> None:
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(tmp_path / "new")],
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    counts = []
    readers = [
        threading.Thread(target=lambda each=each: counts.append(each.communicate()[0]))
        for each in racers
    ]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert [each.returncode for each in racers] == [0, 0, 0]
    assert sum(map(int, counts)) > 100
