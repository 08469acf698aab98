"""Options of a benchmark as words: any value survives the way there and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttrl_agents.config.name_value import parse_key_values, write_key_values

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    # A lone surrogate is no text that JSON can carry to another program.
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab"), inner, max_size=2),
    max_leaves=6,
)


@given(st.dictionaries(st.from_regex(r"[a-z_]+", fullmatch=True), VALUES, max_size=3))
def test_what_is_written_is_read_again(values):
    assert parse_key_values(write_key_values(values)) == values


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("x=3", 3),
        ("x=03", "03"),
        ("x=0.5", 0.5),
        ("x=false", False),
        ("x=False", False),
        ("x=none", "none"),
        ("x=None", None),
        ("x=", ""),
        ("x=a=b", "a=b"),
        ("x=nan", "nan"),
        ("x=NaN", "NaN"),
        ("x=(1, 2)", [1, 2]),
        ("x='3'", "3"),
        ('x={"a": [1]}', {"a": [1]}),
        ("x=__import__('os')", "__import__('os')"),
        ("x=" + "[" * 5000, "[" * 5000),
    ],
)
def test_a_value_is_json_or_python_or_else_text(word, value):
    (read,) = parse_key_values([word]).values()
    assert read == value
    assert type(read) is type(value)


def test_a_dash_in_a_name_is_an_underscore():
    assert parse_key_values(["answer-format=text"]) == {"answer_format": "text"}


@pytest.mark.parametrize("words", [["x"], ["=1"], ["x=1", "x=2"]])
def test_what_is_no_option_is_refused(words):
    with pytest.raises(ValueError, match=r"name=value|twice"):
        parse_key_values(words)
