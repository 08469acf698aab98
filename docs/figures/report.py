"""The screenshot of a report in the README: its verdict and its votes over time.

Needs Chromium and the extra `dev`:

    ttrl train --output runs/main
    python docs/figures/report.py runs/main docs/images/report.png
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from ttrl_agents.report import write_report

WIDTH = 1100
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PARTS = (("header", 0), ("#verdict", 290), ("#votes", 511))
GAP = 6


def main(run: str, target: str) -> None:
    """Writes the report of a run and takes a picture of its most telling parts.

    Args:
        run: The directory of the run.
        target: The picture to write.
    """
    found = next(filter(None, map(shutil.which, BROWSERS)))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page_file = write_report([Path(run)], Path(folder) / "report.html")
        browser = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": WIDTH, "height": 900})
        page.goto(page_file.as_uri())
        page.wait_for_selector("body[data-ready]")
        parts = []
        for selector, height in PARTS:
            picture = Image.open(io.BytesIO(page.locator(selector).screenshot()))
            parts.append(picture.crop((0, 0, picture.width, height or picture.height)))
        browser.close()
    ground = parts[0].getpixel((0, 0))
    whole = Image.new("RGB", (WIDTH, sum(part.height + GAP for part in parts)), ground)
    top = 0
    for part in parts:
        whole.paste(part, ((WIDTH - part.width) // 2, top))
        top += part.height + GAP
    whole.quantize(128).save(target, optimize=True)


if __name__ == "__main__":
    main(*sys.argv[1:3])
