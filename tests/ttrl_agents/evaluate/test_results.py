"""The completions of an evaluation, as lines of JSON."""

import json

import pytest
from evaluations_made_up import made_up_result

from ttrl_agents.evaluate.results import from_lines, grade_question, to_lines
from ttrl_benchmarks.arithmetic import load
from ttrl_env.completion import Completion


def test_each_answer_has_its_place_and_the_rule_that_found_it():
    benchmark = load(size=5)
    texts = [r"So \boxed{41} it is.", "Thus the answer is 42.", r"I think \boxed{4"]
    result = grade_question([Completion(each) for each in texts], benchmark.questions[0], benchmark)
    rows = [json.loads(line) for line in to_lines(result).splitlines()]
    assert [row["rule"] for row in rows] == ["box", "phrase", "a box is unfinished"]
    assert [row["answer"] for row in rows] == ["41", "42", None]
    assert [row["key"] for row in rows] == ["41", "42", None]
    for row in rows:
        place = row["span"]
        assert (None if place is None else row["text"][slice(*place)]) == row["answer"]
    assert list(from_lines(to_lines(result).splitlines())) == [result]


def test_lines_of_an_earlier_version_are_read_without_places():
    result = made_up_result("q", ["1", None])
    rows = [json.loads(line) for line in to_lines(result).splitlines()]
    old = [{k: v for k, v in row.items() if k not in ("span", "rule", "key")} for row in rows]
    (read,) = from_lines(map(json.dumps, old))
    assert read.spans == read.rules == read.keys == (None, None)
    assert read.answers == result.answers


@pytest.mark.parametrize("span", ["ab", [1], [1, "2"], 7, [True, False]])
def test_a_place_that_is_none_is_an_error(span):
    (line,) = to_lines(made_up_result("q", ["1"])).splitlines()
    with pytest.raises(ValueError, match="span of an answer"):
        list(from_lines([json.dumps(json.loads(line) | {"span": span})]))


@pytest.mark.parametrize(
    ("name", "value"),
    [("finished", {}), ("vote", "1"), ("correct", 1), ("text", None), ("tokens", 2.5)],
)
def test_a_value_of_another_kind_names_its_line(name, value):
    first, second = to_lines(made_up_result("q", ["1", "2"])).splitlines()
    row = json.loads(second) | {name: value}
    with pytest.raises(ValueError, match=f"line 2 has a {name} that is none: "):
        list(from_lines([first, json.dumps(row)]))
