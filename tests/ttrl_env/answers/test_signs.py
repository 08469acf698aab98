r"""No minus sign is lost between a phrase and its value: opposite answers are different votes."""

from __future__ import annotations

import itertools

import pytest

from ttrl_env.answers import equivalent, extract_answer

PHRASES = [
    "The answer is {}",
    "The final answer is: {}",
    "**Answer:** {}",
    "Answer = {}",
    "#### {}",
    "<answer>{}</answer>",
    "**Final Answer**\n\n{}",
    "The correct answer is **{}**",
    "So the result is: {}",
    "Therefore, the solution is {}",
    "Thus the answer equals {}",
    "Hence, the answer is simply {}",
    "The answer to the question is {}",
    "The answer, then, is {}",
    "The answer is given by {}",
    "The answer is\n\n{}",
    "{} is the answer",
    "答案：{}",
    "La réponse est {}",
    "Die Antwort lautet {}",
    "Ответ: {}",
    "答えは {} です",
    "정답은 {} 입니다",
    "الجواب هو {}",
]
SIGNS = [
    "-",
    "\N{MINUS SIGN}",
    "\N{EN DASH}",
    "\N{SMALL HYPHEN-MINUS}",
    "\N{FULLWIDTH HYPHEN-MINUS}",
]
VALUES = [
    "5",
    r"\frac{1}{2}",
    "35/9",
    "0.5",
    "x",
    "e^2",
    r"\sqrt{2}",
    r"\ln 2",
    "(3/4)",
    r"\$5",
    "12 cm",
]
FORMS = ["{s}{v}", "${s}{v}$", r"\({s}{v}\)", "{s}${v}$", "$ {s} {v} $", "**{s}{v}**"]
ENDINGS = [
    "",
    ".",
    "\n",
    "!",
    " because geometry proves it.",
    " (rounded).",
    "<|im_end|>",
    ", since y > 1.",
]
VARIATIONS = [
    (phrase, sign, value, form, ENDINGS[number % len(ENDINGS)])
    for number, (phrase, sign, value, form) in enumerate(
        itertools.product(PHRASES, SIGNS, VALUES, FORMS)
    )
    if not (phrase.startswith("{}") and ("cm" in value or "**" in form))
]


def test_there_are_ten_times_as_many_variations_as_the_report_had() -> None:
    assert len(VARIATIONS) > 7500


@pytest.mark.parametrize("phrase", PHRASES)
def test_no_phrase_loses_a_sign(phrase: str) -> None:
    lost = []
    for each, sign, value, form, ending in VARIATIONS:
        if each != phrase:
            continue
        ending = "." if phrase.startswith("{}") and "(" in ending else ending
        text = phrase.format(form.format(s=sign, v=value)) + ending
        found = extract_answer(text)
        if found is None or not equivalent(f"-{value}", found) or equivalent(value, found):
            lost.append((text, found))
    assert lost == []
