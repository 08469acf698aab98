"""The launcher: processes that start, end, stop and start again together."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from ranks import free_port
from small_runs import metrics_of, weights_of

from ttrl_agents.distributed.launch import Launch
from ttrl_agents.errors import AgentError

OPTIONS = (
    *("--steps", "4", "--questions-per-step", "2", "--n-votes", "4", "--max-tokens", "48"),
    *("--learning-rate", "1e-3", "--no-evaluate", "--checkpoint-every", "1", "--device", "cpu"),
)
OF_RANKS = {"ranks", "idle_share", "sampling_skew", "seconds", "tokens_per_second"}


def start(*arguments, module=("-m", "ttrl_agents")):
    return subprocess.Popen(
        [sys.executable, *module, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def end(process):
    try:
        text = process.communicate(timeout=900)[0]
    finally:
        process.kill()
    return process.returncode, text


def wait_for(path: Path, process):
    for _ in range(9000):
        if path.exists():
            return
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.1)
    raise AssertionError(f"{path} did not appear")


def workers(launcher):
    children = psutil.Process(launcher.pid).children()
    return [each for each in children if "spawn_main" in " ".join(each.cmdline())]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that torchrun started, by hand, without any interruption."""
    folder = tmp_path_factory.mktemp("torchrun") / "run"
    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    status, text = end(
        start("train", *OPTIONS, "--output", str(folder), module=(*torchrun, "-m", "ttrl_agents"))
    )
    assert status == 0, text
    return folder


@pytest.mark.slow
def test_a_killed_process_starts_all_again_in_place_and_the_run_ends_the_same(whole, tmp_path):
    run = start("train", *OPTIONS, "--gpus", "2", "--output", str(tmp_path / "run"))
    wait_for(tmp_path / "run" / "checkpoints" / "step-000002", run)
    workers(run)[-1].send_signal(signal.SIGKILL)
    status, text = end(run)
    assert status == 0, text
    assert "started again (restart 1)" in text
    assert "Traceback" not in text
    assert_same(whole, tmp_path / "run")


@pytest.mark.slow
def test_ctrl_c_saves_exits_with_130_and_the_run_goes_on(whole, tmp_path):
    folder = tmp_path / "run"
    run = start("train", *OPTIONS, "--gpus", "2", "--output", str(folder))
    wait_for(folder / "checkpoints" / "step-000001", run)
    for process in (run, *workers(run)):  # as a terminal does
        os.kill(process.pid, signal.SIGINT)
    status, text = end(run)
    assert status == 130, text
    assert text.count("To go on: ttrl train --resume") == 1
    done = len(metrics_of(folder))
    assert 1 <= done < 4
    status, text = end(start("train", "--resume", str(folder), "--gpus", "2"))
    assert status == 0, text
    assert_same(whole, folder)


@pytest.mark.slow
def test_two_launchers_of_one_process_each_make_one_run(whole, tmp_path):
    meet = f"localhost:{free_port()}"
    both = [start_machine(tmp_path / "run", meet) for _ in range(2)]
    for status, text in map(end, both):
        assert status == 0, text
    assert_same(whole, tmp_path / "run")


def start_machine(folder, meet):
    """One of two machines: a launcher with one process."""
    options = (*OPTIONS, "--machines", "2", "--meet", meet, "--output", str(folder))
    return start("train", *options)


def lose(machine):
    """Kills a launcher and its process, as the loss of their machine does."""
    for each in [*workers(machine), psutil.Process(machine.pid)]:
        each.kill()
    machine.communicate()


def wait_until_it_listens(meet, machine):
    host, _, port = meet.rpartition(":")
    while True:
        assert machine.poll() is None, machine.communicate()[0]
        with contextlib.suppress(OSError), socket.create_connection((host, int(port))):
            return
        time.sleep(0.1)


@pytest.mark.slow
def test_another_machine_takes_the_place_of_a_lost_one(whole, tmp_path):
    folder, meet = tmp_path / "run", f"localhost:{free_port()}"
    first = start_machine(folder, meet)
    wait_until_it_listens(meet, first)
    second = start_machine(folder, meet)
    wait_for(folder / "checkpoints" / "step-000001", first)
    lose(second)
    third = start_machine(folder, meet)
    for status, text in map(end, (first, third)):
        assert status == 0, text
    assert_same(whole, folder)


@pytest.mark.slow
def test_without_the_machine_where_all_meet_the_others_end_and_the_same_command_goes_on(
    whole, tmp_path
):
    folder, meet = tmp_path / "run", f"localhost:{free_port()}"
    first = start_machine(folder, meet)
    wait_until_it_listens(meet, first)
    second = start_machine(folder, meet)
    wait_for(folder / "checkpoints" / "step-000001", first)
    lose(first)
    status, text = end(second)
    assert status == 1, text
    assert "do not find each other at" in text
    assert "Traceback" not in text
    for status, text in map(end, [start_machine(folder, meet) for _ in range(2)]):
        assert status == 0, text
    assert_same(whole, folder)


@pytest.mark.slow
def test_an_error_is_told_once_and_does_not_start_anything_again(tmp_path):
    status, text = end(start("train", "--env", "nope", "--gpus", "2", "--device", "cpu"))
    assert status == 1
    assert text.count("Unknown environment 'nope'") == 1
    assert "Traceback" not in text


@pytest.mark.slow
def test_two_processes_measure_what_one_measures(tmp_path):
    options = ("eval", "--limit", "12", "--k", "4", "--portion", "4", "--device", "cpu")
    for name, more in (("one", ()), ("two", ("--gpus", "2"))):
        status, text = end(start(*options, *more, "--output", str(tmp_path / name)))
        assert status == 0, text
    one, two = (
        json.loads((tmp_path / name / "summary.json").read_text()) for name in ("one", "two")
    )
    assert one == two


def test_what_cannot_be_started_says_why():
    with pytest.raises(AgentError, match="--machines 2 need --meet HOST:PORT"):
        Launch(8, machines=2)
    with pytest.raises(AgentError, match="--meet node0 names no port"):
        Launch(8, machines=2, meet="node0")
    with pytest.raises(AgentError, match="--gpus must be 1 or more, not 0"):
        Launch(0)
    with pytest.raises(AgentError, match="--device cpu to run that many processes"):
        Launch(2).check_device("auto")
    with pytest.raises(AgentError, match="--device cuda:1 is one device"):
        Launch(2).check_device("cuda:1")
    assert Launch(2, machines=1).several
    assert not Launch().several


def assert_same(one, other):
    first, second = (
        [{k: v for k, v in line.items() if k not in OF_RANKS} for line in metrics_of(each)]
        for each in (one, other)
    )
    assert first == second
    for name, tensor in weights_of(one).items():
        assert tensor.equal(weights_of(other)[name]), name
