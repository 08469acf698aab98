"""`ttrl course check`: what it tries, and what it says where something fails."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from ttrl_agents.cli.entry import main
from ttrl_agents.course import laptop
from ttrl_agents.course.laptop import FailedError, Trial, check_laptop


def test_a_computer_that_can_do_it_is_ready(capsys, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["course", "check"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[:6] for line in lines] == ["ok    "] * len(laptop.TRIALS) + ["This c"]
    assert "128 completions" in lines[3]
    assert list(tmp_path.iterdir()) == []


def fails(_: Path) -> str:
    raise FailedError("there is no disk", "buy one")


def breaks(_: Path) -> str:
    raise RuntimeError("a library broke\nin many lines")


@pytest.mark.parametrize(
    ("attempt", "line", "advice"),
    [
        (fails, "FAILS disk: there is no disk", "buy one"),
        (breaks, "FAILS disk: RuntimeError: a library broke", "ask somebody"),
    ],
)
def test_what_fails_is_named_with_what_to_do(attempt, line: str, advice: str, capsys) -> None:
    assert check_laptop([Trial("disk", attempt, "ask somebody"), Trial("next", fails, "")]) == 1
    assert capsys.readouterr().out.splitlines() == [line, f"      What to do: {advice}"]


def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch, capsys) -> None:
    monkeypatch.setattr("ttrl_agents.cli.requirements.metadata.version", _without_torch)
    assert check_laptop() == 1
    said = capsys.readouterr().out
    assert "FAILS packages: torch is not installed" in said
    assert "pip install 'ttrl-env[agents]'" in said


def _without_torch(name: str) -> str:
    if name == "torch":
        raise PackageNotFoundError(name)
    return "9999"


def test_an_old_python_is_named(monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 4))
    assert check_laptop() == 1
    assert "What to do: install Python 3.11 or newer" in capsys.readouterr().out


def test_a_folder_that_cannot_be_written_to_is_named(monkeypatch, capsys) -> None:
    def refuse(**_: object) -> object:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(laptop.tempfile, "TemporaryFile", refuse)
    (trial,) = (each for each in laptop.TRIALS if each.name == "folder")
    assert check_laptop([trial]) == 1
    assert "cannot be written to (Permission denied)" in capsys.readouterr().out
