"""A browser, and reports to look at."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from chromium import browser, skip_or_fail  # noqa: F401 - a fixture
from report_runs import hostile, make_evaluation, make_run, unfinished, without_labels

from ttrl_agents.report import write_report


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core, which looks for what keeps people from using a page."""
    path = Path(os.environ.get("AXE_CORE", "axe.min.js"))
    if not path.is_file():
        skip_or_fail("set AXE_CORE to axe.min.js of the npm package axe-core")
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """The folders of runs and evaluations, by name."""
    folder = tmp_path_factory.mktemp("runs")
    run = make_run(folder / "run")
    return {
        "run": run,
        "other": make_run(folder / "other", seed=5, learning_rate=1e-3),
        "unfinished": unfinished(run, folder / "unfinished"),
        "unlabelled": without_labels(run, folder / "unlabelled"),
        "hostile": hostile(run, folder / "hostile"),
        "evaluation": make_evaluation(folder / "evaluation"),
        "evaluation-b": make_evaluation(folder / "evaluation-b", seed=1),
    }


@pytest.fixture(scope="session")
def reports(runs, tmp_path_factory):
    """The reports of these, by name, and of two at once."""
    folder = tmp_path_factory.mktemp("reports")
    written = {name: write_report([run], folder / f"{name}.html") for name, run in runs.items()}
    for name, a, b in (
        ("two", "run", "other"),
        ("two-evaluations", "evaluation", "evaluation-b"),
        ("mixed", "run", "evaluation"),
    ):
        written[name] = write_report([runs[a], runs[b]], folder / f"{name}.html")
    return written


class Watched:
    """A page and what it did that it should not."""

    def __init__(self, page) -> None:
        self.page = page
        self.errors: list[str] = []
        self.requests: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._heard)
        page.on("request", lambda request: self.requests.append(request.url))

    def _heard(self, message) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(message.text)

    def open(self, path):
        """Opens a report and waits until it is shown."""
        self.page.goto(path.as_uri())
        self.page.wait_for_selector("body[data-ready]")
        return self.page


@pytest.fixture
def watch(browser):  # noqa: F811 - the fixture
    """A function that opens a report in a page of its own and returns what watches it."""
    contexts = []

    def start(path, **options):
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        watched = Watched(context.new_page())
        watched.open(path)
        return watched

    yield start
    for context in contexts:
        context.close()
