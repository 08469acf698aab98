"""Rewards as text: names, options, and what cannot be read."""

from __future__ import annotations

import keyword

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ttrl_env.consensus import RewardError
from ttrl_env.consensus.reward_spec import SUM, parse_reward

NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_.-]{0,8}", fullmatch=True)
OPTIONS = st.from_regex(r"[a-z][a-z_]{0,5}", fullmatch=True)
LITERALS = st.one_of(
    st.integers(-1000, 1000), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=9)
)


@pytest.mark.parametrize(
    ("text", "name", "options"),
    [
        ("majority", "majority", {}),
        (" my-own.reward-2 ( ) ", "my-own.reward-2", {}),
        ("a(b=TRUE, c=false, d=none, e=None)", "a", {"b": True, "c": False, "d": None, "e": None}),
        ("a(b=1, c=-2.5, d=1e-3, e=[1, 2])", "a", {"b": 1, "c": -2.5, "d": 1e-3, "e": [1, 2]}),
        ("a(b=x-y.z, c='x-y.z', d=\"p, q=(r\")", "a", {"b": "x-y.z", "c": "x-y.z", "d": "p, q=(r"}),
        ("a(b='it\\'s x-y')", "a", {"b": "it's x-y"}),
        ("a(b=c-d(e=f(g='h'), i=2), j=v1.2)", "a", {"b": "c-d(e=f(g='h'), i=2)", "j": "v1.2"}),
        ("a(\n  b=tö-ü,\n  c=x-y,\n)", "a", {"b": "tö-ü", "c": "x-y"}),
    ],
)
def test_what_is_written_is_read(text: str, name: str, options: dict[str, object]) -> None:
    assert parse_reward(text) == (name, options)


@given(NAMES, st.dictionaries(OPTIONS, LITERALS, max_size=4))
def test_any_name_and_any_literals_are_read_as_they_are(
    name: str, options: dict[str, object]
) -> None:
    assume(not any(map(keyword.iskeyword, (name, *options))))
    text = f"{name}({', '.join(f'{key}={value!r}' for key, value in options.items())})"
    assert parse_reward(text) == (name, options)
    assert parse_reward(f"held(inner={text})")[1] == {"inner": text}


@given(st.text(max_size=30))
def test_anything_else_is_an_error_that_shows_the_form(text: str) -> None:
    assume("#" not in text)  # what follows it is a comment
    with pytest.raises(RewardError, match=r"write it like|twice"):
        parse_reward(f"{text}=")


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("majority + format_only", [(1.0, "majority"), (1.0, "format_only")]),
        ("majority+0.1*format_only", [(1.0, "majority"), (0.1, "format_only")]),
        ("2*a(b=c-d)+my-own.x + 1e-3 * z", [(2.0, "a(b=c-d)"), (1.0, "my-own.x"), (1e-3, "z")]),
        ("0.5*majority", [(0.5, "majority")]),
    ],
)
def test_sums_are_read_with_their_weights(text: str, terms: list[tuple[float, str]]) -> None:
    assert parse_reward(text) == (SUM, {"terms": terms})
    assert parse_reward(f"held(inner={text}, every=2)")[1] == {"inner": text, "every": 2}


@pytest.mark.parametrize(
    "text",
    ["a + 1", "1 + 2", "a * 2", "a*b", "-1*a", "a - b", "a + -2*b", "2*3*a", "True*a", "a/2"],
)
def test_what_is_no_sum_of_weighted_rewards_is_named_with_the_form(text: str) -> None:
    with pytest.raises(RewardError, match=r"write a sum like majority \+ 0\.1\*format_only"):
        parse_reward(text)


def test_nothing_is_evaluated() -> None:
    for text in ("a(b=().__class__)", "a(b=[c for c in 'd'])", "a(b=open('x').read())", "a(b=1*2)"):
        with pytest.raises(RewardError, match="is not a value"):
            parse_reward(text)
    assert parse_reward("a(b=open('x'))") == ("a", {"b": "open('x')"})  # a reward's name, as text
