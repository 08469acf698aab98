"""What is looked at before a model is trained or measured, and in its first completions."""

import warnings

import pytest
from hostile_models import make_model, set_template

from ttrl_agents.errors import PolicyWarning
from ttrl_agents.policy.checks import check_first_completions, check_policy
from ttrl_agents.policy.loading import load_policy

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|pad|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

# The reply follows the question directly, as in Mistral's.
LLAMA_2 = (
    "{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]"
    "{% else %} {{ m.content }}<|end|>{% endif %}{% endfor %}"
)
OPENS_A_THOUGHT = (
    "{% for m in messages %}<|user|>{{ m.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|><think>\n{% endif %}"
)
ONE_TURN = (
    "{% if messages | length > 1 %}{{ raise_exception('one turn') }}{% endif %}"
    "{{ messages[0].content }}"
)


def checked(tmp_path, template):
    check_policy(load_policy(str(make_model(tmp_path / "m", set_template(template)))))


def test_a_turn_that_ends_with_another_token_is_warned_of(tmp_path):
    with pytest.warns(PolicyWarning, match=r"ends a turn with <\|pad\|>, .*only at <\|end\|>"):
        checked(tmp_path, CHATML)


def test_a_template_that_does_not_begin_the_reply_is_warned_of(tmp_path):
    ignoring = (
        "{% for m in messages %}{% if m.role == 'assistant' %}<|assistant|>{{ m.content }}<|end|>"
        "{% else %}<|user|>{{ m.content }}{% endif %}{% endfor %}"
    )
    with pytest.warns(PolicyWarning, match=r"'<\|assistant\|>' is missing at the end of a prompt"):
        checked(tmp_path, ignoring)


@pytest.mark.parametrize(
    ("cut", "shows"),
    [
        ("messages[0].content[:500]", "shows 72, and leaves out word 73"),
        ("messages[0].content[-500:]", "shows 55, and leaves out word 1"),
        ("messages[0].content.split('\\n')[0]", "shows 20, and leaves out word 21"),
    ],
)
def test_a_template_that_cuts_the_question_is_warned_of(tmp_path, cut, shows):
    with pytest.warns(PolicyWarning, match=rf"cuts long questions: .* {shows}\."):
        checked(tmp_path, f"Q: {{{{ {cut} }}}}\nA:")


@pytest.mark.parametrize(
    "template",
    [
        LLAMA_2,
        OPENS_A_THOUGHT,
        "Q: {{ messages[0].content }}\nA:",
        ONE_TURN,
    ],
)
def test_templates_in_use_are_silent(template, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error", PolicyWarning)
        checked(tmp_path, template)


def test_the_tiny_reasoners_are_silent(random_policy):
    with warnings.catch_warnings():
        warnings.simplefilter("error", PolicyWarning)
        check_policy(load_policy("tiny"))
        check_policy(random_policy)


def first(finished, answered):
    check_first_completions("m", finished, answered, max_tokens=9, instruction=" Box it.")


def test_first_completions_that_say_nothing_are_warned_of():
    with pytest.warns(PolicyWarning, match=r"None of the first 4 .* ended within --max-tokens 9"):
        first([False] * 4, [True] * 4)
    with pytest.warns(PolicyWarning, match=r"No answer was found .*asks for one \('Box it.'\)"):
        first([True] * 4, [False] * 4)


def test_first_completions_of_which_some_are_right_are_silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first([True, False, False, False], [False, True, False, False])
        first([False], [False])  # too few to tell
