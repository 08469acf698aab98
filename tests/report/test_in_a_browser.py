"""Reports as a browser shows them."""

import json
import re

import pytest

from ttrl_agents.run.votes import read_votes

EVERY = (
    "run",
    "unfinished",
    "unlabelled",
    "hostile",
    "evaluation",
    "two",
    "two-evaluations",
    "mixed",
)

TOO_WIDE = """
[...document.querySelectorAll("body *")]
  .filter((each) => each.getBoundingClientRect().right > 391)
  .filter((each) => !each.closest(".scroll, nav"))
  .map((each) => `${each.tagName}.${each.className}: ${each.textContent.slice(0, 60)}`)
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", EVERY)
def test_a_report_opens_without_an_error_and_without_a_request(reports, watch, name, scheme):
    watched = watch(reports[name], color_scheme=scheme)
    assert watched.errors == []
    sent = [url for url in watched.requests if not url.startswith("data:")]
    assert sent == [reports[name].as_uri()]
    assert watched.page.locator("section").count() >= 3
    assert "[object" not in watched.page.locator("body").inner_text()
    assert "undefined" not in watched.page.locator("main").inner_text()
    assert "NaN" not in watched.page.locator("main").inner_text()


@pytest.mark.parametrize("name", EVERY)
def test_a_narrow_screen_needs_no_sideways_scrolling(reports, watch, name):
    page = watch(reports[name], viewport={"width": 390, "height": 844}).page
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    assert page.evaluate(TOO_WIDE) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_numbers_on_the_page_are_those_of_the_summary(runs, reports, watch):
    page = watch(reports["run"]).page
    summary = json.loads((runs["run"] / "summary.json").read_text())
    shown = page.locator("#scores .card").first.locator(".score:not(.axis)").all_inner_texts()
    rows = [" ".join(row.split()) for row in shown]
    for split, words in (("train", "trained"), ("held_out", "held-out")):
        for score in ("mean@4", "maj@4", "pass@4"):
            before, after = (summary[when][split][score] for when in ("before", "after"))
            row = f"{score} {words} questions {before:.3f} → {after:.3f}"
            assert row in rows, (row, rows)
    verdict = page.locator("#verdict").inner_text()
    for when in ("before", "after"):
        scores = summary[when]["train"]
        low, high = scores["mean@4_ci95"]
        assert f"{scores['mean@4']:.3f} [{low:.3f}, {high:.3f}]" in verdict
    assert "T 0.6, top-p 0.95" in verdict
    turned = summary["turned"]["train"]
    cells = page.locator("#turned .card").first.locator(".matrix td b").all_inner_texts()
    right, lost, gained, wrong = map(int, cells)
    assert (lost, gained) == (turned["right_to_wrong"], turned["wrong_to_right"])
    assert right + lost + gained + wrong == turned["questions"]


def test_the_browser_shows_every_completion_with_its_answer_marked(runs, reports, watch):
    page = watch(reports["run"]).page
    folder = runs["run"] / "evaluations" / "after" / "train"
    rows = [json.loads(line) for line in (folder / "completions.jsonl").read_text().splitlines()]
    page.get_by_role("button", name=re.compile("^all ")).click()
    ids = [each.get_attribute("data-id") for each in page.locator(".questions button").all()]
    assert ids == list(dict.fromkeys(row["question_id"] for row in rows))
    for question in ids[::5]:
        page.locator(f".questions button[data-id='{question}']").click()
        group = [row for row in rows if row["question_id"] == question]
        after = page.locator(".group").nth(1)
        texts = after.locator(".completion pre").all_inner_texts()
        assert texts == [row["text"] for row in group]
        marks = after.locator(".completion mark").all_inner_texts()
        spans = [row["text"][slice(*row["span"])] for row in group if row["span"]]
        assert marks == spans
        assert page.locator(".prompt").inner_text() == group[0]["prompt"]


def test_filters_and_search_leave_what_they_say(reports, watch):
    page = watch(reports["run"]).page
    for chip in page.locator(".chip").all():
        chip.click()
        total = int(chip.locator(".total").inner_text())
        assert page.locator(".questions button").count() == total
    page.get_by_role("button", name=re.compile("^all ")).click()
    first = page.locator(".questions button").first.get_attribute("data-id")
    page.get_by_label("Search in questions and completions").fill(first)
    assert page.locator(".questions button").count() == 1
    page.get_by_label("Search in questions and completions").fill("nowhere to be found")
    assert page.locator(".detail").inner_text() == "No question of this kind."


def test_every_visit_of_every_question_is_in_the_votes_over_time(runs, reports, watch):
    page = watch(reports["run"]).page
    groups = read_votes(runs["run"])
    assert page.locator("#votes .heat .box").count() == len(groups)
    assert page.locator("#votes .heat .flip").count() == sum(bool(each.flip) for each in groups)
    right = sum(each.label_accuracy == 1 for each in groups)
    assert page.locator("#votes .heat .box.right").count() == right
    page.locator("#votes .heat .box").nth(7).click()
    detail = page.locator(".visit-detail").inner_text()
    assert re.search(r"step \d", detail)
    assert "of 8 votes agree" in detail
    opened = page.locator(".visit-detail h4").inner_text().split(",")[0]
    page.get_by_role("button", name="Open this question below").click()
    assert page.locator(".detail h3").inner_text().startswith(opened)


def test_what_a_model_wrote_is_text_and_never_markup(reports, watch):
    watched = watch(reports["hostile"])
    page = watched.page
    page.get_by_role("button", name=re.compile("^all ")).click()
    for box in page.locator("#votes .heat .box").all()[:5]:
        box.click()
    assert page.evaluate("window.pwned") is None
    assert page.locator("img, iframe, object, embed, [onerror], [onload], svg").count() == 0
    assert (
        '<img src=x onerror="window.pwned=1">' in page.locator(".completion pre").first.inner_text()
    )
    assert page.evaluate("document.scripts.length") == 2  # the data and the page's own
    assert "\u27e8U+202E\u27e9" in page.locator(".prompt").inner_text()
    assert "\u202e" not in page.locator("body").inner_text()  # nothing is shown in reverse
    assert watched.errors == []


def test_a_script_that_gets_into_the_page_is_stopped_by_its_policy(reports, watch):
    watched = watch(reports["run"])
    watched.page.evaluate(
        "const script = document.createElement('script'); script.textContent = 'window.pwned = 1';"
        "document.body.append(script)"
    )
    assert watched.page.evaluate("window.pwned") is None
    assert any("Content Security Policy" in error for error in watched.errors)


def test_an_unfinished_run_says_how_far_it_is(reports, watch):
    page = watch(reports["unfinished"]).page
    assert "unfinished: 4 of 6 steps" in page.locator("header").inner_text()
    assert "has not ended: 4 of 6 steps" in page.locator(".headline").inner_text()
    assert page.locator("#curves canvas").count() >= 6
    assert page.locator("#turned").count() == 0


def test_a_run_without_labels_claims_nothing_about_right_and_wrong(reports, watch):
    page = watch(reports["unlabelled"]).page
    assert page.locator(".headline").inner_text().startswith("Without labels:")
    assert page.locator(".box.right, .box.wrong, .matrix, .badge.right, .badge.wrong").count() == 0
    assert page.locator("#curves .badge.labels").count() == 0
    assert "pseudo-label" in page.locator("#turned").inner_text()


def test_two_runs_are_overlaid_compared_and_their_options_set_side_by_side(reports, watch):
    page = watch(reports["two"]).page
    assert page.locator("#pairs > .card").count() == 2  # trained and held-out
    assert page.locator("#pairs .difference").count() >= 15
    differing = page.locator("#settings .card").first.inner_text()
    assert "seed" in differing
    assert "learning_rate" in differing
    entries = page.locator("#curves .card").first.locator(".readout").inner_text()
    assert "A " in entries
    assert "B " in entries
    titles = page.locator(".group h4").all_inner_texts()
    assert titles[0].startswith("A: run")
    assert titles[1].startswith("B: other")


def test_an_evaluation_alone_has_scores_and_completions(runs, reports, watch):
    page = watch(reports["evaluation"]).page
    summary = json.loads((runs["evaluation"] / "summary.json").read_text())
    assert f"{summary['mean@4']:.3f}" in page.locator(".headline").inner_text()
    assert page.locator("#curves").count() == 0
    assert page.locator(".questions button").count() == 10


def test_the_page_can_be_used_with_the_keyboard_alone(reports, watch):
    page = watch(reports["run"]).page
    focused = "document.activeElement"

    def tab_to(selector, limit=120):
        for _ in range(limit):
            page.keyboard.press("Tab")
            if page.evaluate(f"{focused}.matches({json.dumps(selector)})"):
                return
        raise AssertionError(f"no Tab leads to {selector}")

    page.keyboard.press("Tab")
    assert page.evaluate(f"{focused}.className") == "skip"
    tab_to("nav a")
    tab_to(".chart")
    before = page.evaluate(f"{focused}.getAttribute('aria-valuetext')")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(f"{focused}.getAttribute('aria-valuenow')") == "2"
    assert page.evaluate(f"{focused}.getAttribute('aria-valuetext')") != before
    others = page.locator(".chart").evaluate_all("all => all.map(e => e.ariaValueNow)")
    assert set(others) == {"2"}  # one cursor for all
    tab_to(".box")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    assert page.locator(".box.on").count() == 1
    assert page.evaluate(f"{focused}.classList.contains('on')")
    tab_to(".chip")
    page.keyboard.press("Enter")
    tab_to(".questions button")
    page.keyboard.press("End")
    shown = page.evaluate(f"{focused}.dataset.id")
    assert page.locator(".detail h3").inner_text().startswith(shown)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["run", "unlabelled", "two", "evaluation"])
def test_axe_finds_nothing_serious(reports, watch, axe, name, scheme):
    page = watch(reports[name], color_scheme=scheme, bypass_csp=True).page
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    serious = [
        (each["id"], each["nodes"][0]["html"][:200], each["nodes"][0]["failureSummary"][:300])
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
    ]
    assert serious == []


def test_a_printed_report_is_light_and_leaves_the_controls_out(reports, watch):
    page = watch(reports["run"], color_scheme="dark").page
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("nav").is_hidden()
    assert page.locator(".chips").is_hidden()
    white = "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == white
    assert page.pdf().startswith(b"%PDF")


def test_without_scripts_the_verdict_is_still_there(reports, browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(reports["run"].as_uri())
    text = page.locator("body").inner_text()
    assert "mean@4" in text
    assert "needs JavaScript" in text
    context.close()
