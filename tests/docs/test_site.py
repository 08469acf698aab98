"""The site's own extension: links, lessons, the command line, docstrings and MathJax."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest
import yaml

from ttrl_agents.cli.command_options import describe_command
from ttrl_agents.cli.commands import commands_for
from ttrl_site import commands, contents, docstrings, lessons, links, mathjax, project

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.parametrize("module", [docstrings, lessons], ids=lambda module: module.__name__)
def test_the_examples_of_the_extension(module) -> None:
    results = doctest.testmod(module)
    assert results.attempted > 0
    assert results.failed == 0


def tree(root: Path) -> Path:
    for name in ("docs/a.md", "docs/images/x.svg", "examples/one.py", "README.md"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_links_to_files_become_links_to_the_pages_that_show_them(tmp_path: Path) -> None:
    root = tree(tmp_path)
    text = "[a](docs/a.md#part) ![x](docs/images/x.svg) [one](examples/one.py) [me](README.md)"
    assert links.on_the_site(text, root / "README.md", root) == (
        "[a](/a.md#part) ![x](/images/x.svg) [one](/built/source/examples/one.py.md) "
        "[me](/built/project/readme.md)"
    )


def test_addresses_anchors_code_and_files_that_are_missing_stay_as_they_are(tmp_path: Path) -> None:
    root = tree(tmp_path)
    text = "[w](https://x.org/a.md) [b](#part) [gone](gone.md)\n```text\n[a](docs/a.md)\n```\n"
    assert links.on_the_site(text, root / "README.md", root) == text


def test_a_fence_ends_at_one_as_long_as_it_began() -> None:
    text = "````md\n```python\nx\n```\n````\ntext\n"
    assert [is_text for _, is_text in links.outside_code(text)] == [False] * 5 + [True]


def test_a_source_file_that_a_page_links_to_has_a_page_of_its_own() -> None:
    made = dict(project.pages(REPOSITORY))
    page = made["built/source/examples/reinforce.py"]
    assert "{literalinclude} /../examples/reinforce.py\n:language: python" in page
    for name in project.PROJECT:
        assert links.page_of(REPOSITORY / name, REPOSITORY) in made


SCRIPT = """\
# ---
# jupyter:
#   jupytext: {}
# ---

# %% [markdown]
# # Lesson
#
# Text with [a link](../docs/training.md).

# %%
x = 1

# %%
@exercise("1.2")
def double(x):
    raise NotImplementedError

# %% [markdown]
# More.
"""
SOLUTIONS = '''\
"""The solutions.

1. Because of *this*.
"""

def double(x):
    return 2 * x
'''


def test_a_lesson_keeps_its_cells_in_order_and_folds_its_solutions() -> None:
    page = lessons.lesson(SCRIPT, SOLUTIONS)
    assert page.startswith("# Lesson\n\nText with")
    assert "```python\nx = 1\n```" in page.split("<details>")[0]
    assert page.count("<details>") == page.count("</details>") == 2
    assert re.search(
        r"raise NotImplementedError\n```\n\n<details>\n<summary>Solution 1\.2</summary>\n\n"
        r"```python\ndef double\(x\):\n    return 2 \* x\n```\n\n</details>\n\nMore\.",
        page,
    )
    assert "1. Because of *this*." in page.split("<summary>Answers</summary>")[1]
    assert "jupytext" not in page


def test_every_option_of_every_command_is_in_the_reference() -> None:
    ((_, page),) = commands.pages(REPOSITORY)
    for name, command in commands_for([]).items():
        assert f"\n## ttrl {name}\n" in page
        for group in describe_command(command).groups:
            for option in group.options:
                assert f"\n`{option.spelling}`\n: " in page, option.spelling


def test_what_markdown_would_read_in_a_help_text_is_escaped() -> None:
    assert commands.prose("a_b * `c_d` <e> $f") == r"a\_b \* `c_d` \<e\> \$f"


def test_examples_in_docstrings_are_left_alone() -> None:
    lines = [">>> a | b", "As in:", "", "    a | b", "", "or a | b."]
    assert list(docstrings.for_sphinx(lines)) == [
        *(">>> a | b", "As in::", "", "    a | b", "", "or a \\| b.")
    ]
    items = ["Two:", "", "  - one", "  - two"]
    assert list(docstrings.for_sphinx(items)) == items


def test_a_page_that_no_table_of_contents_names_is_listed_at_the_end(tmp_path: Path) -> None:
    tree(tmp_path)
    (tmp_path / "docs/built/course").mkdir(parents=True)
    for name in ("lesson_01.md", "readme.md"):
        (tmp_path / "docs/built/course" / name).touch()
    text = "```{toctree}\na\n```\n<!-- lessons -->\n<!-- other pages -->\n"
    filled = contents.filled(text, tmp_path / "docs")
    assert filled.count("\na\n") == 1
    assert "\nHow to begin <built/course/readme>\nbuilt/course/lesson_01\n" in filled
    assert "More" not in filled
    (tmp_path / "docs/new.md").touch()
    assert ":caption: More\n\nnew\n" in contents.filled(text, tmp_path / "docs")


def test_mathjax_is_the_file_that_its_authors_released(monkeypatch: pytest.MonkeyPatch) -> None:
    assert mathjax.vendored().name == "tex-svg.js"
    monkeypatch.setattr(mathjax, "_DIGEST", "0" * 64)
    with pytest.raises(ValueError, match=r"is not the file of MathJax 3\.2\.2"):
        mathjax.vendored()


def test_the_workflow_of_the_site_builds_it_with_make() -> None:
    workflow = yaml.safe_load((REPOSITORY / ".github/workflows/docs.yml").read_text())
    assert {"run": "make docs"} in workflow["jobs"]["build"]["steps"]
    target = (REPOSITORY / "Makefile").read_text().split("\ndocs: ")[1].split("\n\n")[0]
    assert "--fail-on-warning" in target
