r"""A guess inside a thought is no vote, whoever opened the thought and however it is marked."""

from __future__ import annotations

import pytest

from ttrl_env.answers import extract_answer, find_answer, group_answers, opens_thinking
from ttrl_env.answers.text.thinking import reply
from ttrl_env.completion import Completion

PAIRS = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<seed:think>", "</seed:think>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    (
        "<|channel|>analysis<|message|>",
        "<|end|><|start|>assistant<|channel|>final<|message|>",
    ),
]
GUESSES = [r"\boxed{7}? Hmm", "so the answer is 7.", "3 + 4 = 7", "Answer: 7\n", "#### 7"]


@pytest.mark.parametrize(("opening", "closing"), PAIRS)
@pytest.mark.parametrize("guess", GUESSES)
def test_only_what_follows_a_thought_votes(opening: str, closing: str, guess: str) -> None:
    assert extract_answer(f"{opening}{guess}") is None
    assert extract_answer(f"{opening}{guess}{closing}I could not decide.") is None
    assert extract_answer(f"{opening}{guess}{closing}The answer is 8.") == "8"
    assert extract_answer(f"{opening}{guess}{closing}" + r"\boxed{8}") == "8"
    assert extract_answer(f"{opening}a{closing}{opening}{guess}") is None


@pytest.mark.parametrize(("opening", "closing"), PAIRS)
@pytest.mark.parametrize("guess", GUESSES)
def test_a_thought_that_the_prompt_opened_votes_only_after_its_end(
    opening: str, closing: str, guess: str
) -> None:
    prompt = f"<|im_start|>user\nAdd 3 and 4.<|im_end|>\n<|im_start|>assistant\n{opening}\n"
    thinking = opens_thinking(prompt)
    assert thinking
    assert extract_answer(Completion(guess, thinking=thinking)) is None
    assert extract_answer(Completion(f"{guess}{closing}I don't know", thinking=thinking)) is None
    assert extract_answer(Completion(f"{guess}{closing}It is 8.", thinking=thinking)) == "8"


@pytest.mark.parametrize("options", [None, ["A", "B", "C", "D"]])
def test_letters_inside_an_open_thought_are_no_choice(options: list[str] | None) -> None:
    cut_off = Completion("The answer is A", thinking=True)
    assert extract_answer(cut_off, "choice", options) is None
    assert extract_answer(str(cut_off), "choice", options) == "A"
    ended = Completion("Maybe A.</think>The answer is B", thinking=True)
    assert extract_answer(ended, "choice", options) == "B"


@pytest.mark.parametrize(
    ("prompt", "opens"),
    [
        ("<｜User｜>Add 3 and 4.<｜Assistant｜><think>\n", True),
        ("<|im_start|>assistant\n<think>", True),
        ("[INST]Add 3 and 4.[/INST][THINK]", True),
        ("<|start|>assistant<|channel|>analysis<|message|>", True),
        ("<|im_start|>assistant\n<think>\nOkay, so I", True),
        ("<|im_start|>assistant\n<think>\n\n</think>\n\n", False),
        ("<|im_start|>assistant\n", False),
        (
            "<|im_start|>user\nUse <think> and </think>.<|im_end|>\n<|im_start|>assistant\n",
            False,
        ),
        ("Think after <think> first. What is 3 + 4?", False),
        ("What does <think> mean?<|assistant|>", False),
        ("", False),
    ],
)
def test_a_prompt_opens_a_thought_where_it_ends_inside_one(prompt: str, opens: bool) -> None:
    assert opens_thinking(prompt) == opens


def test_an_argument_goes_before_what_a_completion_says() -> None:
    completion = Completion(r"\boxed{7}", thinking=True)
    assert find_answer(completion).rule == "the thinking never ends"
    assert find_answer(completion, thinking=False).answer == "7"
    assert find_answer(r"\boxed{7}", thinking=True).answer is None


def test_a_group_counts_no_votes_from_inside_thoughts() -> None:
    texts = [r"\boxed{7}", r"\boxed{7}", r"hm</think>\boxed{8}"]
    group = group_answers([Completion(text, thinking=True) for text in texts])
    assert group.classes.tolist() == [-1, -1, 0]
    assert group.representatives == ("8",)


def test_the_channels_of_gpt_oss_are_known_without_their_special_tokens() -> None:
    assert reply("analysisWe add.assistantfinalIt is 8.") == "It is 8."
    assert reply("analysisWe add") is None
    assert reply("analysis of the sum shows 8") == "analysis of the sum shows 8"
