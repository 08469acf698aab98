"""The lessons are found and copied, with the solutions only where they are asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from ttrl_agents.course.files import copy_lessons, lessons
from ttrl_agents.errors import AgentError


def names(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()}


def test_the_lessons_have_numbers_titles_and_times() -> None:
    found = lessons()
    numbers = [each.number for each in found]
    assert numbers == sorted(set(numbers))
    assert found[0].title == "A language model is a policy"
    assert "minutes of class" in found[0].times


def test_a_copy_leaves_the_solutions_out(tmp_path: Path) -> None:
    written = copy_lessons(tmp_path / "mine")
    assert [each.name for each in written] == [each.path.name for each in lessons()]
    assert {"README.md", "checks", "course_tools", "run.py"} <= names(tmp_path / "mine")
    assert names(tmp_path / "mine").isdisjoint({"solutions", "output", "__pycache__"})


def test_a_copy_takes_the_solutions_along_where_they_are_asked_for(tmp_path: Path) -> None:
    copy_lessons(tmp_path, solutions=True)
    assert "lesson_01.py" in names(tmp_path / "solutions")


def test_a_copy_is_a_set_of_notebooks_as_well(tmp_path: Path) -> None:
    jupytext = pytest.importorskip("jupytext")
    written = copy_lessons(tmp_path, notebooks=True)
    notebooks = [each for each in written if each.suffix == ".ipynb"]
    assert len(notebooks) == len(lessons())
    cells = jupytext.read(notebooks[0]).cells
    assert cells[0].cell_type == "markdown"
    assert cells[0].source.startswith("# Lesson 1:")


def test_files_that_are_there_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "lesson_01_my_work.py").write_text("my work")
    with pytest.raises(AgentError, match="holds files already"):
        copy_lessons(tmp_path)


def test_a_lesson_without_times_is_named(tmp_path: Path) -> None:
    (tmp_path / "lesson_01_x.py").write_text("# %% [markdown]\n# # Lesson 1: X\n")
    with pytest.raises(AgentError, match=r"lesson_01_x.py has no title or no times"):
        lessons(tmp_path)
