"""The completions of a report: cut into segments, and shortened where they must be."""

from evaluations_made_up import made_up_result
from hypothesis import given
from hypothesis import strategies as st

from ttrl_agents.evaluate import Evaluation
from ttrl_agents.evaluate.folder import summarize
from ttrl_agents.evaluate.setting import SamplingSetting
from ttrl_agents.report.questions import SHORTENINGS, Column, View, pack_questions, split_text
from ttrl_agents.report.subject import Measured

TEXTS = st.text(st.characters(), max_size=400)


@st.composite
def completions(draw):
    text = draw(TEXTS)
    start = draw(st.integers(0, len(text)))
    return text, (start, draw(st.integers(start, len(text))))


@given(completions())
def test_a_text_that_is_kept_whole_is_all_there_with_its_answer_marked(made):
    text, (start, stop) = made
    segments = split_text(text, (start, stop), None)
    assert "".join(each if isinstance(each, str) else each[0] for each in segments) == text
    assert "".join(each[0] for each in segments if isinstance(each, list)) == text[start:stop]


@given(completions(), st.integers(0, 150))
def test_a_shortened_text_counts_every_character_that_it_leaves_out(made, kept):
    text, (start, stop) = made
    segments = split_text(text, (start, stop), kept)
    lengths = [
        each if isinstance(each, int) else len(each if isinstance(each, str) else each[0])
        for each in segments
    ]
    assert sum(lengths) == len(text)
    marked = "".join(each[0] for each in segments if isinstance(each, list))
    assert marked == text[start:stop]  # an answer of less than 400 characters stays whole


@given(TEXTS, st.integers(0, 150))
def test_a_text_without_an_answer_marks_nothing(text, kept):
    assert not any(isinstance(each, list) for each in split_text(text, None, kept))


def test_a_span_beyond_the_text_marks_nothing():
    assert split_text("short", (90, 95), None) == ["short"]


def column(moment, *results):
    evaluation = Evaluation(results)
    setting = SamplingSetting(0.6, 0.95)
    return Column(
        moment, 0, Measured(moment, "train", setting, {}, summarize(evaluation), evaluation)
    )


def test_the_questions_that_turned_changed_or_are_divided_keep_their_texts():
    sure, wrong, divided = ["1"] * 4, ["2"] * 4, ["1", "2", "3", "4"]
    before = column("before", *(made_up_result(name, sure) for name in ("same", "turned", "torn")))
    after = column(
        "after",
        made_up_result("same", sure),
        made_up_result("turned", wrong),
        made_up_result("torn", divided),
    )
    packed = pack_questions([View("all", (before, after))], SHORTENINGS[4])  # no text is kept
    questions = packed["evaluations"]["A/after/train/T0.6-top-p0.95"]["questions"]
    assert questions["turned"]["texts"][0] == ["so ", ["2"]]
    assert questions["torn"]["texts"][3] == ["so ", ["4"]]
    everywhere = pack_questions([View("all", (before, after))], SHORTENINGS[-1])
    assert everywhere["shortened"].startswith("All completions are shortened to their answer")


def test_each_shortening_leaves_less_than_the_one_before_it():
    text = "x" * 10_000
    sizes = []
    for shortening in SHORTENINGS[1:5]:
        segments = split_text(text, (5_000, 5_002), shortening.kept)
        sizes.append(sum(len(each) for each in segments if isinstance(each, str)))
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == 4
    assert all("completions.jsonl has all" in each.said for each in SHORTENINGS[1:])
