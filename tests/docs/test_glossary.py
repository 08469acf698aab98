"""The glossary: alphabetical, complete, and what links to it leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
GLOSSARY = (REPOSITORY / "docs" / "glossary.md").read_text(encoding="utf-8")
TERMS = re.findall(r"^## (.+)$", GLOSSARY, re.MULTILINE)
LINK = re.compile(r"\((?:docs/)?glossary\.md#([^)]*)\)")


def anchor(term: str) -> str:
    """The anchor that GitHub and the generators of sites give to a heading."""
    return re.sub(r"[^\w -]", "", term.lower()).replace(" ", "-")


def test_the_terms_are_in_alphabetical_order_and_have_one_anchor_each() -> None:
    assert sorted(TERMS, key=str.lower) == TERMS
    assert len({anchor(term) for term in TERMS}) == len(TERMS)


def test_the_words_of_the_field_are_all_there() -> None:
    words = """advantage answer ballot baseline clip completion consensus entropy greedy group
        initial-policy kl label label-accuracy learning-rate majk majority-ratio meank on-policy
        passk policy prompt pseudo-label question ratio reward reward-accuracy rollout sampling step
        temperature top-p vote"""
    assert set(words.split()) <= {anchor(term) for term in TERMS}


def test_every_term_has_a_definition() -> None:
    for term, text in re.findall(r"^## (.+)\n\n(.*)$", GLOSSARY, re.MULTILINE):
        assert len(text.split()) > 2, term
    assert len(re.findall(r"^## .+\n\n\S", GLOSSARY, re.MULTILINE)) == len(TERMS)


def test_links_into_the_glossary_lead_to_a_term() -> None:
    anchors = {anchor(term) for term in TERMS}
    assert set(re.findall(r"\(#([^)]*)\)", GLOSSARY)) <= anchors
    linked = {}
    for page in [REPOSITORY / "README.md", *(REPOSITORY / "docs").glob("*.md")]:
        linked[page.name] = LINK.findall(page.read_text(encoding="utf-8"))
        assert set(linked[page.name]) <= anchors, page.name
    pages = [name for name, links in linked.items() if links]
    assert {"algorithms.md", "collapse.md", "evaluation.md", "rewards.md", "training.md"} <= set(
        pages
    )
