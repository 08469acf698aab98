"""The output of a run goes away: the run is saved, as after Ctrl-C."""

import os
import pty
import re
import signal
import subprocess
import sys

import pytest
from small_runs import metrics_of

from ttrl_agents.run.checkpoint import latest_state
from ttrl_agents.run.output import Stopping, tell

TRAIN = (
    "train --steps 400 --no-evaluate --n-votes 4 --questions-per-step 2 --max-tokens 32 "
    "--env-options size=5 --checkpoint-every 400"
)
EVALUATE = "eval tiny --k 2 --portion 2 --max-tokens 32 --temperature 1"


def start(command, output, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "ttrl_agents", *command.split(), "--output", str(output)],
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        **options,
    )


def saved_step(errors):
    found = re.search(r"Saved after step (\d+)\. To go on: ttrl train --resume", errors)
    assert found, errors
    return int(found[1])


@pytest.mark.slow
def test_training_whose_reader_goes_away_is_saved(tmp_path):
    run = start(TRAIN, tmp_path / "run", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert run.stdout.readline()
    run.stdout.close()
    _, errors = run.communicate(timeout=120)
    assert run.returncode == 130, errors
    step = saved_step(errors)
    assert 0 < step < 400
    assert latest_state(tmp_path / "run" / "checkpoints").name == f"step-{step:06d}"


@pytest.mark.slow
def test_an_evaluation_whose_reader_goes_away_says_what_is_saved(tmp_path):
    run = start(EVALUATE, tmp_path / "e", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert run.stdout.readline()
    run.stdout.close()
    _, errors = run.communicate(timeout=120)
    # All of it may be done before the next line is printed.
    stopped = run.returncode == 130 and "questions are saved" in errors
    assert stopped or (tmp_path / "e" / "summary.json").exists(), errors


@pytest.fixture(autouse=True)
def hangups_count():
    """The tests may run under nohup, whose children would ignore a closed terminal as well."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.slow
def test_a_terminal_that_is_closed_saves_the_training(tmp_path):
    ours, theirs = pty.openpty()
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), theirs)
    run = start(TRAIN, tmp_path / "run", start_new_session=True, **streams)
    os.close(theirs)
    shown = b""
    while b"training" not in shown:
        shown += os.read(ours, 4096)
    run.send_signal(signal.SIGHUP)
    os.close(ours)
    assert run.wait(120) == 130
    step = len(metrics_of(tmp_path / "run"))
    assert latest_state(tmp_path / "run" / "checkpoints").name == f"step-{step:06d}"
    assert 0 < step < 400


def test_each_signal_that_asks_a_process_to_stop_is_handled_and_put_back():
    seen = []
    before = signal.getsignal(signal.SIGHUP)
    with Stopping(lambda: seen.append(1)):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.raise_signal(number)
    assert len(seen) == 3
    assert signal.getsignal(signal.SIGHUP) == before


def test_under_nohup_a_closed_terminal_changes_nothing():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Stopping(lambda: pytest.fail("handled")):
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_nothing_is_told_where_nobody_listens(monkeypatch):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as gone:
        monkeypatch.setattr(sys, "stderr", gone)
        tell("Is anybody there?")
        monkeypatch.undo()
        os.dup2(os.open(os.devnull, os.O_WRONLY), writer)  # what is left in its buffer
