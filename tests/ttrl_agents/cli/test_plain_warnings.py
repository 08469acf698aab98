"""Warnings on the command line: ours as sentences, others as Python prints them."""

import json
import warnings

import pytest

from ttrl_agents.cli.entry import main
from ttrl_agents.cli.plain_warnings import plain_warnings
from ttrl_benchmarks import BenchmarkWarning


def test_a_warning_of_ours_is_a_sentence_without_control_characters(capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        with plain_warnings():
            warnings.warn("a \x1b[31mred\x1b[0m word", BenchmarkWarning, stacklevel=1)
    assert capsys.readouterr().err == "ttrl: warning: a \\x1b[31mred\\x1b[0m word\n"


def test_other_warnings_go_the_usual_way():
    with pytest.warns(FutureWarning, match="theirs"), plain_warnings():
        warnings.warn("theirs", FutureWarning, stacklevel=1)


def test_an_evaluation_takes_the_options_of_questions_and_warns(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    prose = "We add two and three, and as both are positive, five it is."
    rows = [("1 + 1", "2"), ("2 + 3", prose), ("1 + 1", "2")]
    lines = [json.dumps({"problem": each, "answer": answer}) for each, answer in rows]
    (tmp_path / "q.jsonl").write_text("\n".join(lines))
    asked = ["--env", "TTRL-Questions-v0", "--data", str(tmp_path / "q.jsonl")]
    little = ["--k", "2", "--max-tokens", "4", "--output", str(tmp_path / "e")]
    assert main(["eval", "tiny", *asked, *little]) == 1
    assert "duplicate questions: 1 of 3" in capsys.readouterr().err
    more = ["--duplicates", "drop", "--instruction", " =", "--max-prompt-tokens", "40"]
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert main(["eval", "tiny", *asked, *little, *more]) == 0
    printed = capsys.readouterr()
    assert "ttrl: warning: " in printed.err
    assert "labels that are texts rather than answers: 1 of 2" in printed.err
    assert "None of the first 4 completions of model 'tiny' ended" in printed.err
    lines = (tmp_path / "e" / "completions.jsonl").read_text().splitlines()
    assert {json.loads(line)["prompt"] for line in lines} == {"1 + 1 =", "2 + 3 ="}
    assert main(["eval", "tiny", *asked, *little, *more, "--instruction", " ="]) in (0, 2)
    other = [each if each != " =" else " ?" for each in more]
    assert main(["eval", "tiny", *asked, *little, *other]) == 1
    assert "was begun differently" in capsys.readouterr().err


def test_options_of_the_benchmark_reach_an_evaluation(capsys, tmp_path):
    options = ["--env-options", "size=5", "level=2", "--k", "1", "--max-tokens", "4"]
    assert main(["eval", "tiny", *options, "--output", str(tmp_path / "e")]) == 0
    questions = (tmp_path / "e" / "questions.jsonl").read_text().splitlines()
    assert [json.loads(line)["level"] for line in questions] == [2] * 5
    assert main(["eval", "tiny", "--env-options", "sise=5"]) == 1
    assert "Did you mean 'size'" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["[bold]x", "[/]", "a\x1b]0;owned\x07"])
def test_what_a_model_wrote_is_printed_as_text(text, capsys):
    from rich.console import Console

    from ttrl_agents.printed import printed

    Console(width=80, highlight=False).print(printed(text))
    assert capsys.readouterr().out == text.replace("\x1b", "\\x1b").replace("\x07", "\\x07") + "\n"
