"""`ttrl course` on the command line."""

from __future__ import annotations

from pathlib import Path

from ttrl_agents.cli.entry import main


def test_the_lessons_are_listed_with_where_to_start(capsys) -> None:
    assert main(["course"]) == 0
    said = capsys.readouterr().out
    assert " 1  A language model is a policy" in said
    assert "ttrl course copy my-course" in said


def test_the_lessons_are_copied(capsys, tmp_path: Path) -> None:
    assert main(["course", "copy", str(tmp_path / "mine")]) == 0
    said = capsys.readouterr().out
    assert (
        f"Start: python {tmp_path / 'mine' / 'lesson_01_a_language_model_is_a_policy.py'}" in said
    )


def test_a_copy_without_a_folder_says_how_to_name_one(capsys) -> None:
    assert main(["course", "copy"]) == 1
    assert "ttrl course copy my-course" in capsys.readouterr().err


def test_a_folder_without_copy_is_an_error(capsys) -> None:
    assert main(["course", "list", "somewhere"]) == 1
    assert "ttrl course copy FOLDER" in capsys.readouterr().err
