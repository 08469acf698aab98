"""Every block of code on every page runs, and prints what the page says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from doc_pages import REPOSITORY, Runner, blocks, pages

from ttrl_benchmarks import list_benchmarks, unregister_benchmark
from ttrl_env.consensus import REWARDS, unregister_estimator

# More than about ten seconds: they train.
SLOW = {"README.md", "bring_your_algorithm.md"}
CODE = {"python", "console", "run"}
WITH_CODE = [
    pytest.param(page, id=page.name, marks=[pytest.mark.slow] if page.name in SLOW else [])
    for page in pages()
    if CODE & {block.language for block in blocks(page.read_text(encoding="utf-8"))}
]


@pytest.fixture
def nothing_is_left_registered() -> Iterator[None]:
    rewards, benchmarks = set(REWARDS), {row.name for row in list_benchmarks()}
    yield
    for name in set(REWARDS) - rewards:
        unregister_estimator(name)
    for name in {row.name for row in list_benchmarks()} - benchmarks:
        unregister_benchmark(name)


@pytest.mark.usefixtures("nothing_is_left_registered")
@pytest.mark.parametrize("page", WITH_CODE)
def test_the_code_on_the_page_runs(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Runner(page).run()


def run(text: str, folder: Path) -> int:
    page = folder / "page.md"
    page.write_text(text, encoding="utf-8")
    return Runner(page).run()


def test_blocks_share_their_names_and_what_they_print_is_compared(tmp_path: Path) -> None:
    page = "```python\nx = 2\n```\nwords\n```python\nprint(x)\n```\n\n```text\n{}\n```\n"
    assert run(page.format("2"), tmp_path) == 2
    with pytest.raises(AssertionError, match=r"line 9 shows\n3\n\nbut it printed\n2"):
        run(page.format("3"), tmp_path)


def test_examples_with_their_results_are_compared(tmp_path: Path) -> None:
    assert run("```python\n>>> 1 + 1\n2\n```\n", tmp_path) == 1
    with pytest.raises(AssertionError, match=r"Expected:\n +3"):
        run("```python\n>>> 1 + 1\n3\n```\n", tmp_path)


def test_commands_are_compared_with_what_they_print(tmp_path: Path) -> None:
    page = "```console\n$ ttrl grade 1 1.0 | tail -1\n{}\n```\n"
    assert run(page.format("equal: both have the key 1"), tmp_path) == 1
    with pytest.raises(AssertionError, match="but it printed"):
        run(page.format("different"), tmp_path)


def test_hidden_lines_run_and_comments_shorten_and_skip(tmp_path: Path) -> None:
    page = """\
<!-- run
n = 3
-->
<!-- shortened: range(10**9) => range(n) -->
```python
for i in range(10**9):
    print(i)
```
```text
0
1
2
```
<!-- skip: it cannot be run here -->
```python
1 / 0
```
<!-- needs: NO_SUCH_VARIABLE -->
```python
1 / 0
```
<!-- needs: no_such_module -->
```python
1 / 0
```
"""
    assert run(page, tmp_path) == 1
    with pytest.raises(AssertionError, match="there is no"):
        run(page.replace("shortened: range(10**9)", "shortened: range(7)"), tmp_path)
    with pytest.raises(AssertionError, match="say why"):
        run(page.replace("it cannot be run here", "hm"), tmp_path)


def test_an_error_names_the_line_of_the_page(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError) as error:
        run("one\n\n```python\nx = 1\nx / 0\n```\n", tmp_path)
    assert error.traceback[-1].lineno + 1 == 5


def test_every_page_with_code_is_found() -> None:
    names = {parameter.id for parameter in WITH_CODE}
    assert {"README.md", "environments.md", "rewards.md", "answers.md", "training.md"} <= names
    assert all(REPOSITORY in page.parents for page in pages())
