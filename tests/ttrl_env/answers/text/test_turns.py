"""A completion's own turn ends where another's begins."""

from __future__ import annotations

import pytest

from ttrl_env.answers import extract_answer
from ttrl_env.answers.text.turns import own_turn

ENDS = [
    "<|im_end|>\n<|im_start|>user\n",
    "<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n",
    "<|endoftext|>",
    "</s>[INST] ",
    " [/INST] ",
    "<end_of_turn>\n<start_of_turn>user\n",
    "<｜end▁of▁sentence｜><｜User｜>",
    "<|end|>\n<|user|>\n",
    "\n\n### Instruction:\n",
    "\n### Human: ",
    "\nHuman: ",
    "\n\nUser: ",
    "\nuser\n",
]


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(
    ("said", "answer"),
    [("The answer is 4.", "4"), (r"So \boxed{4}", "4"), ("It is $4$.", "4"), ("No idea.", None)],
)
def test_nothing_after_the_turn_counts(end: str, said: str, answer: str | None) -> None:
    for other in ("The answer is 7.", r"\boxed{7}", "Add 3 and 4.\n#### 7"):
        assert extract_answer(f"{said}{end}{other}") == answer


@pytest.mark.parametrize(
    "header",
    [
        "<|im_start|>assistant\n",
        "<|start_header_id|>assistant<|end_header_id|>\n\n",
        "### Response:\n",
        "<s>",
    ],
)
def test_a_header_of_its_own_ends_no_turn(header: str) -> None:
    piece = own_turn(f"{header}The answer is 4.<|im_end|>")
    assert piece.text == "The answer is 4."
    assert piece.start == len(header)
    assert extract_answer(f"{header}The answer is 4.") == "4"


def test_words_that_only_look_like_roles_end_nothing() -> None:
    for text in ("The user: Tom\nhas 4.", "A human being", "Each user has <b>4</b>."):
        assert own_turn(text).text == text
