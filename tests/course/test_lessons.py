"""The lessons: each runs to its end with the solutions, and stops at its first exercise without."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from course_files import COURSE, LESSONS, course_environment, stubs

from course_tools.where import load

PNG = b"\x89PNG\r\n"


@pytest.fixture(scope="session")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of pictures and runs that all lessons share, since some train the same runs."""
    return tmp_path_factory.mktemp("course")


def run(lesson: Path, output: Path, *, solutions: bool) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(lesson)],
        capture_output=True,
        text=True,
        cwd=output,
        env=course_environment(output, solutions=solutions),
    )


def test_the_page_of_the_course_lists_every_lesson_with_its_title() -> None:
    page = (COURSE / "README.md").read_text(encoding="utf-8")
    for number, each in enumerate(LESSONS, start=1):
        title = each.read_text(encoding="utf-8").split(f"# # Lesson {number}: ")[1].split("\n")[0]
        assert f"| {number} | [{title}]({each.name}) |" in page


@pytest.mark.slow
@pytest.mark.parametrize("lesson", LESSONS, ids=lambda each: each.stem)
def test_a_lesson_runs_with_the_solutions(lesson: Path, output: Path, capsys) -> None:
    began = time.monotonic()
    ran = run(lesson, output, solutions=True)
    with capsys.disabled():
        print(f"\n{lesson.stem}: {time.monotonic() - began:.0f} s")  # noqa: T201 - wanted there
    assert ran.returncode == 0, ran.stderr[-3000:]
    for number in stubs(lesson):
        assert f"{number} right" in ran.stdout
    assert (output / f"{lesson.name[:9]}.png").read_bytes().startswith(PNG)
    assert load(COURSE / "expected.py").problems(int(lesson.name[7:9]), ran.stdout) == []


def test_a_lesson_stops_at_its_first_exercise(tmp_path: Path) -> None:
    (lesson,) = COURSE.glob("lesson_03_*.py")
    ran = run(lesson, tmp_path, solutions=False)
    assert ran.returncode == 1
    assert "Exercise 3.1, exact_gradient: still to do" in ran.stderr
    assert "Change the function in lesson_03_" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.slow
def test_a_lesson_becomes_a_notebook_that_runs(tmp_path: Path, monkeypatch) -> None:
    jupytext, nbclient = pytest.importorskip("jupytext"), pytest.importorskip("nbclient")
    (lesson,) = COURSE.glob("lesson_03_*.py")
    notebook = jupytext.read(lesson)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    for name, value in course_environment(tmp_path, solutions=True).items():
        monkeypatch.setenv(name, value)
    nbclient.NotebookClient(notebook, resources={"metadata": {"path": str(COURSE)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert "3.1 right" in "".join(output.get("text", "") for output in outputs)
