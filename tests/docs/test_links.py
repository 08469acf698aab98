"""The links of the pages: to papers, to files, and to parts of pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from doc_pages import REPOSITORY, pages

from ttrl_site.links import outside_code

PAGES = [*pages(), REPOSITORY / "CHANGELOG.md"]
IN_DOCS = [page for page in PAGES if REPOSITORY / "docs" in page.parents]
NUMBER = re.compile(r"\b\d{4}\.\d{5}\b")
PAPER = re.compile(r"\[([^\]]*)\]\(https://arxiv\.org/abs/(\d{4}\.\d{5})\)")
TARGET = re.compile(r"\]\(([^)\s#:]*)(?:#([^)\s]*))?\)")


def text_of(page: Path) -> str:
    """Returns a page without its code and its comments."""
    lines = (line for line, is_text in outside_code(page.read_text("utf-8")) if is_text)
    return re.sub(r"`[^`\n]*`|<!--.*?-->", "", "".join(lines), flags=re.DOTALL)


def anchors_of(page: Path) -> set[str]:
    """Returns the anchors of the headings of a page, as forges and the site give them."""
    lines = [line for line, is_text in outside_code(page.read_text("utf-8")) if is_text]
    headings = re.findall(r"^#{1,6} (.+)$", "".join(lines), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_number_of_a_paper_is_a_link_to_it(page: Path) -> None:
    text = text_of(page)
    for words, number in PAPER.findall(text):
        assert set(NUMBER.findall(words)) <= {number}, words
    assert NUMBER.findall(PAPER.sub("", text)) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_to_parts_that_there_are(page: Path) -> None:
    for path, anchor in TARGET.findall(text_of(page)):
        target = page.parent / path if path else page
        made = "built" in target.parts  # by the extension of the site
        assert made or target.exists(), path
        if anchor and target.suffix == ".md" and not made:
            assert anchor in anchors_of(target), f"{path}#{anchor}"


@pytest.mark.parametrize("page", IN_DOCS, ids=lambda page: page.name)
def test_every_page_leads_on(page: Path) -> None:
    linked = {path for path, _ in TARGET.findall(text_of(page)) if path.endswith(".md")}
    assert len(linked) >= 2
