"""The command line: every mistake ends in a sentence, and Ctrl-C saves."""

import errno
import os
import shlex
import signal
import subprocess
import sys
import time

import pytest
from safetensors import SafetensorError

from ttrl_agents.cli.entry import main

SMALL = ["--questions-per-step", "2", "--n-votes", "4", "--max-tokens", "48", "--no-evaluate"]


def run(capsys, *arguments):
    status = main(["train", *map(str, arguments)])
    return status, capsys.readouterr()


def run_line(capsys, line):
    """Runs a command line as a shell would."""
    name, *arguments = shlex.split(line, comments=True)
    assert name == "ttrl"
    return main(arguments), capsys.readouterr()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--env", "TTRL-AIM24-v0"], "Did you mean 'TTRL-AIME24-v0'"),
        (["--reward", "orcale"], "Did you mean 'oracle'"),
        (["--reward", "majority(ties=first)"], "Did you mean 'tie'"),
        (["--reward", "majority(tie=last)"], "tie must be one of first, abstain, share"),
        (["--reward", "co_rewarding"], "--rephrase arithmetic"),
        (["--env", "CartPole-v1"], "asks no questions"),
        (["--env", "TTRL-Questions-v0"], "name it with --data FILE"),
        (["--model", "tinny"], "Did you mean 'tiny'"),
        (["--model", "/no/such/folder"], "There is no model at '/no/such/folder'"),
        (["--env", "TTRL-AIME24-v0", "--data", "/no/such/file.json"], "/no/such/file.json"),
        (["--device", "cuda:99"], "CUDA GPUs"),
        (["--device", "abacus"], "Unknown device 'abacus'"),
        (["--env-options", "sise=20"], "Unknown option of benchmark 'arithmetic' 'sise'"),
        (["--env-options", "size=many"], "size='many' is not what the option takes"),
        (["--env-options", "group_size=3"], "group_size is the environment's"),
        (["--preset", "paper/aime42"], "Did you mean 'paper/aime24'"),
        (["--preset", "paper/amc", "--family", "qwen"], "Unknown family 'qwen'"),
        (["--preset", "paper/amc", "--resume", "run"], "each say what to start from"),
        (["--config", "/no/such/config.json"], "/no/such/config.json cannot be read"),
        (["--max-prompt-tokens", "3"], "leaves no question: the shortest prompt has"),
        (["--n-votes", "1"], "--n-votes must be 2 or more, not 1"),
        (["--max-tokens", "4096"], "512 positions of model 'tiny'"),
        (["--resume", "/no/such/run"], "There is no run in /no/such/run"),
    ],
)
def test_a_mistake_ends_in_one_sentence(capsys, tmp_path, arguments, expected):
    output = [] if "--resume" in arguments else ["--output", tmp_path / "run"]
    status, printed = run(capsys, *arguments, *output)
    assert status == 1
    assert expected in printed.err
    assert printed.err.startswith("ttrl: ")
    assert "Traceback" not in printed.err + printed.out


def test_a_wrong_option_exits_with_2(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["train", "--stpes", "3"])
    assert ended.value.code == 2


def test_a_run_prints_a_header_progress_and_the_table(capsys, tmp_path):
    status, printed = run(
        capsys, "--output", tmp_path / "a run", "--steps", 2, *SMALL[:-1], "--eval-k", 2
    )
    assert status == 0
    for words in ("learning without labels", "TTRL-Arithmetic-v0", "majority ratio", "entropy"):
        assert words in printed.out
    assert "T 0.6, top-p 0.95: mean [95 % interval over questions]" in printed.out
    assert (tmp_path / "a run" / "curves.png").stat().st_size > 10_000
    commands = printed.out.split("Next:\n")[1].splitlines()
    assert [shlex.split(line, comments=True)[1] for line in commands] == [
        "report",
        "votes",
        "compare",
        "eval",
    ]
    status, printed = run_line(capsys, commands[2])
    assert status == 0, printed.err
    assert "B less A" in printed.out


def test_a_run_of_no_steps_only_measures(capsys, tmp_path):
    data = tmp_path / "one.jsonl"
    data.write_text('{"question": "What is 1 + 1?", "answer": "2"}')
    options = ["--env", "TTRL-Questions-v0", "--data", data, "--eval-k", 2, *SMALL[:-1]]
    status, printed = run(capsys, "--output", tmp_path / "run", "--steps", 0, *options)
    assert status == 0, printed.err
    assert "T 0.6, top-p 0.95: mean [95 % interval over questions]" in printed.out
    assert (tmp_path / "run" / "curves.png").stat().st_size > 10_000


def test_a_full_disk_ends_in_a_sentence_and_leaves_the_last_checkpoint(
    capsys, tmp_path, monkeypatch
):
    from ttrl_agents.run import checkpoint

    real = checkpoint.save_file
    calls = []

    def full(tensors, path):
        calls.append(path)
        if len(calls) > 2:  # what safetensors says on a disk that is really full
            message = "Error while serializing: I/O error: No space left on device (os error 28)"
            raise SafetensorError(message)
        real(tensors, path)

    monkeypatch.setattr(checkpoint, "save_file", full)
    options = ["--output", tmp_path / "run", "--steps", 4, "--checkpoint-every", 1, *SMALL]
    status, printed = run(capsys, *options)
    assert status == 1
    assert "The disk is full" in printed.err
    left = sorted(path.name for path in (tmp_path / "run" / "checkpoints").glob("step-*"))
    assert left == ["step-000000", "step-000001"]
    monkeypatch.setattr(checkpoint, "save_file", real)
    status, _ = run(capsys, "--resume", tmp_path / "run")
    assert status == 0


def test_every_command_says_its_own_way_on_from_a_full_disk(capsys, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device", "here")

    monkeypatch.setattr("ttrl_agents.cli.commands.commands_for", full)
    for command, way in {
        "train": "then ttrl train --resume RUN",
        "eval": "then ttrl eval --resume FOLDER",
        "fetch": "then the same command again",
    }.items():
        assert main([command]) == 1
        said = capsys.readouterr().err
        assert said.startswith("ttrl: The disk is full (here). What was saved before is whole")
        assert way in said


def test_ctrl_c_saves_says_how_to_go_on_and_exits_with_130(tmp_path):
    folder = tmp_path / "run"
    options = ["--output", folder, "--steps", "500", *SMALL]
    process = subprocess.Popen(
        [sys.executable, "-m", "ttrl_agents", "train", *map(str, options)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    deadline = time.monotonic() + 120
    metrics = folder / "metrics.jsonl"
    while not (metrics.is_file() and metrics.read_text().count("\n") >= 2):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert f"ttrl train --resume {folder}" in errors
    assert "Traceback" not in errors
    assert list((folder / "checkpoints").glob("step-*"))


@pytest.mark.skipif(sys.platform == "win32", reason="pipes end otherwise on Windows")
@pytest.mark.parametrize("arguments", [["doctor"], ["train", "--help-all"], ["rewards"]])
def test_a_reader_that_goes_away_ends_the_output_without_a_word(arguments):
    process = subprocess.Popen(
        [sys.executable, "-m", "ttrl_agents", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.stdout.close()
    assert process.wait(120) == 128 + signal.SIGPIPE
    assert process.stderr.read() == ""
