r"""The answer in a completion: the last box, else the last phrase, else the last statement."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ttrl_env.answers import equivalent, extract_answer
from ttrl_env.answers.text.boxes import last_box
from ttrl_env.answers.text.thinking import reply

FOUND = [
    (r"So it is $\boxed{42}$.", "42"),
    (r"\boxed{1}, no: \boxed{\frac{1}{2}}", r"\frac{1}{2}"),
    (r"\boxed{\frac{1}{2}}. Put it in \boxed{}.", r"\frac{1}{2}"),
    (r"\boxed{7}, so \boxed{8", "7"),
    (r"\boxed{\{1, 2\}}", r"\{1, 2\}"),
    (r"\boxed{\text{a \{ brace}}", r"\text{a \{ brace}"),
    (r"\boxed 7", "7"),
    (r"\fbox{9}", "9"),
    (r"\framebox{100}", "100"),
    (r"<think>\boxed{1}</think>The answer is 2.", "2"),
    (r"<think>a</think><think>b</think>\boxed{3}", "3"),
    ("The answer is 42.", "42"),
    ("The final answer is $26. I hope it is correct.", "26"),
    ("**Answer:** 4.", "4"),
    ("Final Answer: The volume of $ABCD$ is 120. I hope it is correct.", "120"),
    ("So the answer is $x = 3$", "x = 3"),
    (r"Answer \( (9+1) \)", "(9+1)"),
    ("#### 1,234", "1,234"),
    ("#### 10\nMore.\n#### 20", "20"),
    ("the result is -5 exactly", "-5"),
    ("answer: −5", "−5"),
    ("Answer: $12.50", "12.50"),
    ("The answer is Evelyn.", "Evelyn"),
    ("ANSWER: 42,\n", "42"),
    ("so $x+y = 1000$ therefore answer is $1$", "1"),
    (r"Therefore $x \geq 5$ is the solution.", r"x \geq 5"),
    ("First compute 6*7.\n42", "42"),
    ("x = 3", "x = 3"),
    (r"$\sqrt{4} = 2$", "2"),
    ("Therefore the total is 12 apples.", "12"),
    ("66公斤 + 126公斤 = 192公斤 因此，体重是192公斤。", "192"),
    ("答案：12", "12"),
    ("The answer is 0.5<|im_end|>", "0.5"),
    ("The solutions are $x=1$ and $x=2$.", "1,2"),
    ("The answers are $1$, $2$, and $3$, as $4 > 3$.", "1,2,3"),
    ("The solutions are x = 3 or x = -2.", "3,-2"),
    ("Therefore, the values are $3$ and $-2$.", "3,-2"),
    ("The answer is $3$ and the sum of all is $5$.", "3"),
    ("The solution set is $\\{1,2\\}$.", "1,2"),
    ("Thus, the area is\n\\[\n12\\sqrt{3}.\n\\]", "12\\sqrt3"),
    ("Thus, the area is\n$$\n12\\sqrt{3}\n$$", "12\\sqrt3"),
    ("42 is the final answer.", "42"),
    ("It's 42.", "42"),
    ("The minimum is 3, attained at x = 2.", "3"),
    ("The remainder when N is divided by 1000 is 016.", "16"),
    ("```\n42\n```", "42"),
    ("Il risultato è 42.", "42"),
    ("정답은 42입니다.", "42"),
    (r"Therefore, $\sqrt{2}$ is the minimum value.", r"\sqrt2"),
    ("Thus the minimum is\n$$\n\\sqrt{2}\n$$\nwhich is attained at $x=1$.", r"\sqrt2"),
    ("Thus\n$$\n2x = 10\n$$\nwhich gives $x=5$.", "5"),
    ("Thus\n$$\n2x = 10\n$$\nsince $x=5$, we get $y = 7$.", "7"),
    ("The maximum value of $f(x)$ is $4$ for $x = 2$.", "4"),
    ("The vertex is at (2, -3).", "(2,-3)"),
    ("I got 5.", "5"),
    ("giving a total of 12.", "12"),
    ("for a final answer of 12.", "12"),
    ("**Answer** 204", "204"),
    ("Therefore the answer is $3/5$ (or $0.6$).", "3/5"),
    ("The answer is Evelyn, since she is fastest.", "Evelyn"),
    (r"Put your answer in \boxed{...}. The answer is 5.", "5"),
    (r"\boxed{5} is in the form \boxed{\text{answer}}.", "5"),
]
ABSENT = [
    "",
    "   ",
    "I ran out of",
    "The answer is undefined.",
    "The answer is left to the reader of this page.",
    "No numeric content at all",
    r"start \boxed{never closes",
    "<think> it is 42",
    r"<think>\boxed{42}",
    r"\boxed{}",
    r"\boxed{ }",
    r"\boxed{...}",
    r"\boxed{\ldots}",
    "Your answer should be in the form \\boxed{answer}.",
    r"Consider \[ c = \frac{-2\sqrt{3} - 18i}{1 + i\sqrt{3",
]


@pytest.mark.parametrize(("text", "answer"), FOUND, ids=[text for text, _ in FOUND])
def test_answers_are_found(text: str, answer: str) -> None:
    found = extract_answer(text)
    assert found is not None
    assert found == answer or equivalent(found, answer)


@pytest.mark.parametrize("text", ABSENT)
def test_no_answer_is_none(text: str) -> None:
    assert extract_answer(text) is None


BALANCED = st.recursive(
    st.text("ab1+ ", min_size=1, max_size=4),
    lambda inner: st.lists(inner, min_size=1, max_size=3).map(lambda p: "{" + "".join(p) + "}"),
    max_leaves=8,
)


@settings(deadline=None)
@given(content=BALANCED, before=st.text(max_size=40), after=st.text("xyz .,", max_size=20))
def test_a_last_box_is_returned_as_it_stands(content: str, before: str, after: str) -> None:
    assume(content.strip(" ") and "<think>" not in before)
    assert extract_answer(f"{before} \\boxed{{{content}}} {after}") == content.strip()


@settings(deadline=None)
@given(text=st.text(max_size=200))
def test_extraction_never_raises_and_never_returns_nothing(text: str) -> None:
    for answer_format in ("integer", "latex", "choice", "text"):
        found = extract_answer(text, answer_format)
        assert found is None or found.strip()


def test_boxes_deep_in_a_text_are_found_from_the_end() -> None:
    text = r"\boxed{7} " * 100_000 + r"\boxed{42}" + " and so on" * 10_000
    assert last_box(text) == "42"


def test_thinking_that_never_ends_is_no_reply() -> None:
    assert reply("<think>hm") is None
    assert reply("a</think>b") == "b"
    assert reply("plain") == "plain"


def test_an_unknown_format_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="got 'maths'"):
        extract_answer("1", "maths")  # type: ignore[arg-type]
