"""The site in a browser, from the disk: nothing is fetched, nothing sticks out, formulas are set.

`make docs` builds what is looked at.
"""

from __future__ import annotations

from typing import Any

import pytest
from chromium import browser, skip_or_fail  # noqa: F401 - a fixture
from doc_pages import REPOSITORY

SITE = REPOSITORY / "docs/_build/html"
PAGES = (
    "index",
    "concepts/grpo",
    "reference/metrics",
    "built/reference/options",
    "built/course/lesson_02_many_votes",
    "search",
)


@pytest.fixture(scope="module", params=[1280, 390], ids=["laptop", "telephone"])
def page(request: pytest.FixtureRequest, browser: Any) -> Any:  # noqa: F811 - the fixture
    if not (SITE / "index.html").exists():
        skip_or_fail("the site is not built: make docs")
    opened = browser.new_page(viewport={"width": request.param, "height": 900})
    opened.set_default_timeout(0)  # a busy machine is slow
    yield opened
    opened.close()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole_without_a_network(page: Any, name: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    errors: list[str] = []
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.goto((SITE / f"{name}.html").as_uri())
    page.evaluate("() => window.MathJax ? MathJax.startup.promise : null")
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert errors == []
    root = "document.documentElement"
    assert page.evaluate(f"{root}.scrollWidth") <= page.evaluate(f"{root}.clientWidth")
    formulas = page.locator("article .math").count()
    assert page.locator("article mjx-container").count() == formulas
    assert page.locator("[data-mml-node=merror]").count() == 0
    assert page.evaluate("[...document.images].filter(each => !each.naturalWidth).length") == 0
