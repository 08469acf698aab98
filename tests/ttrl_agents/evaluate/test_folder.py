"""An evaluation on disk: it reads as it was written, and survives being torn."""

import json

import pytest
from evaluations_made_up import made_up_evaluation, made_up_result
from hypothesis import given
from hypothesis import strategies as st

from ttrl_agents.errors import AgentError
from ttrl_agents.evaluate import Evaluation, EvaluationFolder
from ttrl_agents.evaluate.folder import find_evaluations
from ttrl_agents.evaluate.results import from_lines, to_lines
from ttrl_agents.evaluate.runner import evaluation_config

CONFIG = {
    "benchmark": "made-up",
    "k": 2,
    "temperature": 0.6,
    "top_p": 0.95,
    "options": {"k": 2, "output": None},
}
HOSTILE = st.text(st.characters(exclude_categories=[]), max_size=20)  # lone surrogates too
RESULTS = tuple(made_up_result(name, ["1", name], level=ord(name) - 96) for name in "abcde")


@given(st.lists(st.one_of(st.none(), HOSTILE), min_size=1, max_size=4), HOSTILE)
def test_any_completion_comes_back_as_it_was(answers, name):
    result = made_up_result(name, answers)
    lines = to_lines(result)
    assert lines.isascii()
    assert list(from_lines(lines.split("\n")[:-1])) == [result]


def test_an_evaluation_without_labels_comes_back_without():
    result = made_up_result("q", ["1", "1"], label=None)
    (read,) = from_lines(to_lines(result).splitlines())
    assert read == result
    assert read.correct is None


def test_whole_portions_are_kept_and_the_rest_is_made_again(tmp_path):
    whole, torn = EvaluationFolder(tmp_path / "whole"), EvaluationFolder(tmp_path / "torn")
    for folder in (whole, torn):
        assert folder.begin(CONFIG, ["ab", "cd", "e"]) == []
        folder.append(RESULTS[:2])
    whole.append(RESULTS[2:4])
    whole.append(RESULTS[4:])
    text = whole.completions_path.read_text()
    starts = [i + 1 for i, each in enumerate(text) if each == "\n"]
    for length in {*range(0, len(text), 97), *starts, len(text)}:
        torn.completions_path.write_text(text[:length])
        found = torn.begin(CONFIG, ["ab", "cd", "e"])
        questions = text[:length].count("\n") // 2
        assert len(found) == (5 if questions == 5 else questions // 2 * 2)
        torn.append(RESULTS[len(found) :])
        assert torn.completions_path.read_text() == text


@pytest.mark.parametrize(
    ("held", "line", "count", "name"),
    [
        ("aabb", 1, 4, "a"),  # two processes, portions of one question
        ("abab", 5, 2, "a"),
        ("ba", 1, 2, "b"),
        ("abx", 5, 2, "x"),
        ("abcdee", 9, 4, "e"),
        ("abcdea", 11, 2, "a"),
    ],
)
def test_questions_that_were_not_asked_or_twice_are_refused(tmp_path, held, line, count, name):
    folder = EvaluationFolder(tmp_path)
    folder.begin(CONFIG, ["ab", "cd", "e"])
    folder.append(made_up_result(each, ["1", each]) for each in held)
    said = rf"from line {line} on it holds {count} of '{name}'.*ttrl eval --resume {tmp_path} then"
    with pytest.raises(AgentError, match=said):
        folder.begin(CONFIG, ["ab", "cd", "e"])
    lines = folder.completions_path.read_text().splitlines(keepends=True)
    folder.completions_path.write_text("".join(lines[: line - 1]))
    assert [each.question_id for each in folder.begin(CONFIG, ["ab", "cd", "e"])] in (
        [],
        list("ab"),
        list("abcd"),
        list("abcde"),
    )


def test_a_complete_evaluation_holds_each_question_once(tmp_path):
    folder = EvaluationFolder(tmp_path / "one")
    EvaluationFolder.write(folder.path, CONFIG, Evaluation(RESULTS))
    for held, said in (("abcda", "'a' is in it twice"), ("abcdf", "not those of questions.jsonl")):
        results = [made_up_result(each, ["1", each]) for each in held]
        folder.completions_path.write_text("".join(map(to_lines, results)))
        with pytest.raises(AgentError, match=said):
            folder.read()


def test_another_evaluation_is_not_mixed_in(tmp_path):
    folder = EvaluationFolder(tmp_path / "one")
    folder.begin(CONFIG, ["a"])
    with pytest.raises(AgentError, match=r"temperature was 0\.6, is 1\.0") as refused:
        folder.begin({**CONFIG, "temperature": 1.0}, ["a"])
    assert "ttrl eval --resume" in str(refused.value)
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("mine")
    with pytest.raises(AgentError, match="not an empty folder"):
        EvaluationFolder(tmp_path / "precious").begin(CONFIG, ["a"])


def test_a_damaged_or_unfinished_one_is_refused_in_a_sentence(tmp_path):
    folder = EvaluationFolder(tmp_path / "one")
    folder.begin(CONFIG, ["ab"])
    folder.append(RESULTS[:1])
    with pytest.raises(AgentError, match="not finished"):
        folder.read()
    folder.finish(Evaluation(RESULTS[:1]))
    assert folder.read() == Evaluation(RESULTS[:1])
    for damage in ("[1]\n", "{}\n", "nonsense\n", "", to_lines(RESULTS[0])[:-1]):
        folder.completions_path.write_text(damage)
        with pytest.raises(AgentError, match="damaged"):
            folder.read()
    folder.completions_path.write_text("nonsense\n")
    with pytest.raises(AgentError, match="damaged"):
        folder.begin(CONFIG, ["ab"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"k": "four"}, "k is 'four', which is not a value of --k; see ttrl eval --help"),
        ({"levels": 3}, "levels is 3, which is not a value of --levels"),
        ({"kk": 3}, "does not know: kk"),
    ],
)
def test_options_that_were_edited_into_nonsense_are_named(tmp_path, options, said):
    (tmp_path / "config.json").write_text(json.dumps({**CONFIG, "options": options}))
    with pytest.raises(AgentError, match=said):
        evaluation_config(tmp_path)


@pytest.mark.parametrize("value", ["hot", None, True, [1]])
def test_a_temperature_that_is_not_a_number_is_named(tmp_path, value):
    folder = EvaluationFolder(tmp_path / "one")
    EvaluationFolder.write(folder.path, CONFIG, Evaluation(RESULTS))
    folder.config_path.write_text(json.dumps({**CONFIG, "temperature": value}))
    with pytest.raises(AgentError, match=r"damaged: temperature is .*not a number"):
        folder.read()


def test_a_question_that_was_lost_afterwards_is_missed(tmp_path):
    folder = EvaluationFolder(tmp_path / "one")
    EvaluationFolder.write(folder.path, CONFIG, Evaluation(RESULTS))
    folder.completions_path.write_text("".join(map(to_lines, RESULTS[:-1])))
    with pytest.raises(AgentError, match="holds 4 questions with 2 completions, not 5 with 2"):
        folder.read()


def test_a_kill_while_the_first_file_was_written_is_no_harm(tmp_path):
    (tmp_path / ".config.json.tmp").write_text('{"bench')
    folder = EvaluationFolder(tmp_path)
    assert folder.begin(CONFIG, ["a"]) == []
    with pytest.raises(AgentError, match="not finished"):  # though nothing is answered yet
        find_evaluations(tmp_path)[""].read()


def test_the_summary_says_what_the_completions_do(tmp_path):
    evaluation = made_up_evaluation({"a": 4, "b": 1, "c": 0, "d": 2})
    EvaluationFolder.write(tmp_path / "one", CONFIG, evaluation)
    summary = json.loads((tmp_path / "one" / "summary.json").read_text())
    assert summary["mean@4"] == pytest.approx(7 / 16)
    assert summary["pass@1"] == summary["mean@4"]
    assert summary["pass@4"] == 3 / 4
    assert summary["maj@4"] == 3 / 4  # of b's four answers, the first one counts
    assert {"mean@4_ci95", "pass@2_ci95", "finished", "truncated", "absent"} <= set(summary)
    rows = [json.loads(line) for line in (tmp_path / "one" / "questions.jsonl").open()]
    assert [(row["question_id"], row["right"]) for row in rows] == [
        ("a", 4),
        ("b", 1),
        ("c", 0),
        ("d", 2),
    ]


def test_levels_are_scored_apart():
    evaluation = Evaluation(RESULTS)
    assert evaluation.levels == (1, 2, 3, 4, 5)
    assert [each.question_id for each in evaluation.of_level(3).results] == ["c"]
    with pytest.raises(ValueError, match="same number"):
        Evaluation((RESULTS[0], made_up_result("z", ["1"])))


def test_evaluations_are_found_by_folder_moment_and_run(tmp_path):
    for moment in ("before", "after"):
        for split in ("train", "held_out"):
            path = tmp_path / "evaluations" / moment / split
            EvaluationFolder.write(path, CONFIG, Evaluation(RESULTS))
    of_run = find_evaluations(tmp_path)
    assert {name: each.path for name, each in of_run.items()} == {
        split: tmp_path / "evaluations" / "after" / split for split in ("train", "held_out")
    }
    assert set(find_evaluations(tmp_path / "evaluations" / "before")) == {"train", "held_out"}
    assert set(find_evaluations(path)) == {""}
    with pytest.raises(AgentError, match="There is no folder"):
        find_evaluations(tmp_path / "evaluations" / "nothing")
