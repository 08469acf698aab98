"""Questions as the turns of a chat, and in the two columns of Alpaca files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ttrl_benchmarks import BenchmarkError, load_benchmark

USER = {"role": "user", "content": "What is 2 + 3?"}
REPLY = {"role": "assistant", "content": "Five, so \\boxed{5}."}


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": [USER], "answer": 5},
        {"prompt": [USER], "reward_model": {"style": "rule", "ground_truth": "5"}},
        {"prompt": json.dumps([USER]), "answer": ["5"]},
        {"messages": [USER, REPLY]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": USER["content"]}]}]}
        | {"final_answer": "5"},
        {
            "conversations": [
                {"from": "human", "value": USER["content"]},
                {"from": "gpt", "value": "#### 5"},
            ]
        },
        {"prompt": [USER], "completion": [REPLY]},
        {"prompt": USER["content"], "completion": "5"},
    ],
    ids=[
        "turns",
        "verl",
        "JSON text",
        "messages",
        "parts",
        "ShareGPT",
        "completion in turns",
        "completion",
    ],
)
def test_the_turn_of_the_user_is_the_question(
    row: dict[str, Any], write_rows: Callable[..., Path]
) -> None:
    benchmark = load_benchmark("questions", path=write_rows("chat.json", [row]))
    assert [each.text for each in benchmark.questions] == ["What is 2 + 3?"]
    assert benchmark.labels.reveal("chat/0") == "5"


def test_turns_that_python_printed_are_not_taken_for_a_question(tmp_path: Path) -> None:
    path = tmp_path / "chat.csv"
    path.write_text(f'prompt,answer\n"{[USER]}",5\n')
    with pytest.raises(BenchmarkError, match=r"row 1 \(line 2\): the turns .* quotes of Python"):
        load_benchmark("questions", path=path)


def test_a_turn_of_the_system_comes_before_it(write_rows: Callable[..., Path]) -> None:
    turns = [{"role": "system", "content": "Answer in digits."}, USER]
    benchmark = load_benchmark("questions", path=write_rows("chat.json", [{"prompt": turns}]))
    assert benchmark.questions[0].text == "Answer in digits.\n\nWhat is 2 + 3?"


def test_alpaca_files_have_the_question_in_two_columns(write_rows: Callable[..., Path]) -> None:
    rows = [
        {"instruction": "Add.", "input": "2 and 3", "output": "5"},
        {"instruction": "What is 1 + 1?", "input": "", "output": "2"},
    ]
    benchmark = load_benchmark("questions", path=write_rows("alpaca.json", rows))
    assert [each.text for each in benchmark.questions] == ["Add.\n\n2 and 3", "What is 1 + 1?"]
    assert [benchmark.labels.reveal(f"alpaca/{n}") for n in range(2)] == ["5", "2"]
    without = load_benchmark(
        "questions", path=write_rows("alpaca.json", rows), columns={"context": None}
    )
    assert without.questions[0].text == "Add."


def test_an_input_alone_is_the_question(write_rows: Callable[..., Path]) -> None:
    benchmark = load_benchmark("questions", path=write_rows("bbh.json", [{"input": "1 + 1?"}]))
    assert benchmark.questions[0].text == "1 + 1?"


@pytest.mark.parametrize(
    ("turns", "complaint"),
    [
        ([USER, REPLY, USER], "row 1: a conversation with 2 turns of the user"),
        ([USER, USER], "row 1: a conversation with 2 turns of the user"),
        ([REPLY], "row 1: a conversation with 0 turns of the user"),
        ([{"role": "tool", "content": "x"}, USER], "row 1: a turn has the role 'tool'"),
        ([{"role": ["user"], "content": "x"}], "row 1: a turn has the role"),
        ([{"role": "user", "content": None}], "row 1: a turn holds something other than text"),
        (
            [{"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}],
            "row 1: a turn holds something other than text",
        ),
        ([{"role": "user", "content": "  "}], "row 1: column 'prompt' is blank"),
        ([{"role": "user", "content": "\ud800"}], "half of a character"),
        ([], "row 1: column 'prompt' holds a list"),
    ],
)
def test_other_conversations_say_what_is_wrong(
    turns: list[Any], complaint: str, write_rows: Callable[..., Path]
) -> None:
    with pytest.raises(BenchmarkError, match=complaint):
        load_benchmark("questions", path=write_rows("chat.json", [{"prompt": turns}]))
