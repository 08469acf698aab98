"""The letter of a multiple-choice answer, where there is exactly one."""

from __future__ import annotations

import pytest

from ttrl_env.answers import extract_answer
from ttrl_env.answers.choices import choice_of

ABCD = ["A", "B", "C", "D"]
CHOSEN = [
    ("B", "B"),
    ("c", "C"),
    ("**C**", "C"),
    ("(D)", "D"),
    ("(D) Alina", "D"),
    ("A. Because B is not valid", "A"),
    ("Answer: B", "B"),
    ("ANSWER: [B]", "B"),
    ("**Answer:** (A)", "A"),
    ("__Answer__: C", "C"),
    ("Answer: $D$", "D"),
    ("Answer – B", "B"),
    ("The answer is C because A is wrong.", "C"),
    ("So the answer is c.", "C"),
    (r"The final answer is: $\boxed{C}$", "C"),
    (r"\boxed{\text{(B)}}", "B"),
    (r"\boxed{\text{Answer: D}}", "D"),
    (r"\boxed{C) 300}", "C"),
    ("### Final Answer: **(B) 300**", "B"),
    ("ANSWER: A\nNo wait.\nANSWER: B", "B"),
    ("ANSWER: B, not C", "B"),
    ("Let me see. A hexagon has 6 sides, so option C", "C"),
    ("<think>Answer: A</think>Answer: B", "B"),
    ("答案：B，因为A是错的", "B"),
    ("La réponse est D", "D"),
    ("B is the correct answer, A is not.", "B"),
    ("Thus B.", "B"),
    ("So, B.", "B"),
    ("A is wrong because x.\nB is wrong because y.\nTherefore, D.", "D"),
    ("Hence (C) is the answer.", "C"),
    ("I'd go with B.", "B"),
    ("which corresponds to (C).", "C"),
    ("The answer is not A but B.", "B"),
    ("The answer is A... no wait, it's B.", "B"),
    ("The answer is A. It is not B.", "A"),
    ("Option A is incorrect. Option C is correct. Option D is incorrect.", "C"),
    ("Option A gives 3, option B gives 4, and we need 4. So it's B", "B"),
    ("A: wrong\nB: correct\nC: wrong", "B"),
    ("A. 1\nB. 2\nC. 3\n\nThe answer is C.", "C"),
    ("Answer: A\n\nB and C are wrong.", "A"),
    ("Correct: D", "D"),
    ("Answer → D", "D"),
    ("La risposta corretta è B.", "B"),
    ("정답은 B입니다.", "B"),
    ("B不是A", "B"),
    ("The answer is most likely B", "B"),
    ("The answer is B. A, C, and D are incorrect.", "B"),
    ("The answer is B, and C is wrong.", "B"),
    ("We can rule out A, C, and D. That leaves B.", "B"),
    ("Only B works.", "B"),
    ("B because energy is conserved.", "B"),
    ("Conclusion: B", "B"),
    ("∴ B", "B"),
    ("11 carbons → (A)", "A"),
    ("Option C: 300", "C"),
    ("The answer is B or C, but I'd go with C.", "C"),
    (r"\boxed{\text{C}: 10}", "C"),
    (r"\boxed{\mathsf{C}}", "C"),
]
UNCLEAR = [
    "",
    "No valid answer here",
    "I don't know",
    "Answer: A or B",
    "Answer: A/B/C",
    "Answer: A, B",
    "Answer: A and C",
    "Answer: A; C",
    "Answer: A + C",
    "Answer: A or maybe B",
    "Answer: B and/or C",
    "Answer: D-glucose",
    "Only A and C are correct.",
    "**Option A**: incorrect.\n**Option B**: This matches.\n**Option C**: Too large.",
    "A = 3",
    "Both A and C are correct.",
    "The answer cannot be A.",
    "The answer isn't A.",
    "It is not B.",
    "(A) 1\n(B) 2\n(C) 3\n(D) 4",
    "A) wrong\nB) right\nC) wrong",
    "Option A gives 3. Option B gives 4. We need 4.",
    "答案：A 不对",
    "Therefore vitamin C.",
    "ANSWER: A B C D are all plausible",
    "ANSWER: None of the above",
    "Answer: G",
    r"\boxed{B",
    "A hexagon has six sides",
    "the answer is a polygon",
    "The options are 1, 2, 3, 4",
    "The last line should be ANSWER: [LETTER] and nothing else.",
]


@pytest.mark.parametrize(("text", "letter"), CHOSEN, ids=[text for text, _ in CHOSEN])
def test_a_clear_choice_is_its_letter(text: str, letter: str) -> None:
    assert extract_answer(text, "choice", ABCD) == letter


@pytest.mark.parametrize("text", UNCLEAR)
def test_no_choice_or_several_are_none(text: str) -> None:
    assert extract_answer(text, "choice", ABCD) is None


def test_the_text_of_an_option_is_its_letter() -> None:
    options = ["red", "dark blue", r"$\frac{1}{2}$"]
    assert extract_answer(r"\boxed{dark blue}", "choice", options) == "B"
    assert extract_answer("Answer: Dark blue.", "choice", options) == "B"
    assert extract_answer("red", "choice", options) == "A"
    assert extract_answer("Answer: C", "choice", options) == "C"
    assert extract_answer("Answer: D", "choice", options) is None


def test_letters_beyond_the_options_are_no_choice() -> None:
    assert extract_answer("Answer: E", "choice", [*ABCD, "E"]) == "E"
    assert extract_answer("Answer: E", "choice", ABCD) is None


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("The answer I found is C.", "C"),
        ("Answer: I am not sure", None),
        ("My answer: I'd go with D.", "D"),
        ("The answer is I.", "I"),
        ("The answer is I because it is.", "I"),
        ("I think it is unclear.", None),
    ],
)
def test_the_pronoun_is_no_option(text: str, letter: str | None) -> None:
    assert extract_answer(text, "choice", list("ABCDEFGHIJ")) == letter


def test_too_many_options_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 26 options"):
        extract_answer("x", "choice", [f"option {n}" for n in range(30)])


@pytest.mark.parametrize(
    ("answer", "letter"),
    [("(b)", "B"), (r"\textbf{(B)}", "B"), ("B.", "B"), ("B: 3", "B"), ("cat", None), ("", None)],
)
def test_an_answer_stands_for_a_letter_or_not(answer: str, letter: str | None) -> None:
    assert choice_of(answer) == letter
