"""A browser for tests: the Chromium that is installed, driven by Playwright.

Import `browser` into a `conftest.py` or a test file to have the fixture.
"""

from __future__ import annotations

import os
import shutil

import pytest

# What a closed network and a container need; see also Debian's README of the package.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
NAMES = ("chromium", "chromium-browser", "google-chrome")


def skip_or_fail(reason):
    """Skips the test; where TTRL_NEED_BROWSER is set, as in CI, it fails instead."""
    if os.environ.get("TTRL_NEED_BROWSER"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")  # as long as it lives, nothing else in this process can use asyncio
def browser():
    """Chromium, driven by Playwright."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        skip_or_fail("there is no Chromium here; on Debian: apt-get install chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        skip_or_fail("Playwright is not installed: pip install playwright")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=list(ARGUMENTS))
        yield chromium
        chromium.close()
