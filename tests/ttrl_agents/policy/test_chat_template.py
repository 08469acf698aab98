"""Chat templates: the same text as `transformers` makes, and no harm from any."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace

import hostile_templates
import pytest
from transformers import AutoTokenizer

from ttrl_agents.errors import AgentError
from ttrl_agents.policy import chat_template
from ttrl_agents.policy.chat_template import ChatTemplate
from ttrl_agents.tiny import checkpoint_path

TALKS = [
    [{"role": "user", "content": "What is 1 + 1?\n"}],
    [{"role": "user", "content": " <b>ä & ß</b> "}, {"role": "assistant", "content": "2"}],
]
# What templates of models in use are made of.
IN_USE = {
    "headers": "{% for message in messages %}{{ '<|im_start|>' + message.role + '\n' "
    "+ message.content | trim + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    "the first system turn": "{% if messages[0]['role'] == 'system' %}"
    "{% set system = messages[0]['content'] %}{% set rest = messages[1:] %}"
    "{% else %}{% set system = 'Be kind.' %}{% set rest = messages %}{% endif %}"
    "{{ bos_token if bos_token is defined else '' }}{{ system }}"
    "{% for m in rest %}{{ m['content'] }}{{ eos_token }}{% endfor %}",
    "a namespace": "{% set ns = namespace(last=-1) %}{% for m in messages %}"
    "{% if m.role == 'user' %}{% set ns.last = loop.index0 %}{% endif %}{% endfor %}{{ ns.last }}"
    "{{ messages[ns.last].content }}",
    "lines and blocks": "{% for m in messages %}\n    {% if m.role == 'user' %}\n"
    "    Q: {{ m.content }}\n    {% continue %}\n    {% endif %}\n  A: {{ m.content }}\n"
    "    {% break %}\n{% endfor %}\n",
    "json": "{{ messages | tojson }} {{ messages | tojson(indent=2) }}",
    "a generation block": "{% for m in messages %}{% if m.role == 'assistant' %}"
    "{% generation %}{{ m.content }}{{ eos_token }}{% endgeneration %}"
    "{% else %}{{ m.content }}{% endif %}{% endfor %}",
    "what is not given": "{% if tools %}T{% endif %}{% if documents is defined %}D{% endif %}"
    "{% if not enable_thinking %}N{% endif %}{{ messages[0].content }}",
    "a macro": "{% macro turn(m) -%} [{{ m.role | upper }}] {{ m.content }} {%- endmacro %}"
    "{% for m in messages %}{{ turn(m) }}{% endfor %}",
    "a split": "{{ messages[-1]['content'].split('+')[-1].lstrip('\n') }}",
}


@pytest.fixture
def tokenizer():
    return AutoTokenizer.from_pretrained(checkpoint_path())


def made(tokenizer, text, now=None):
    tokenizer.chat_template = text
    return ChatTemplate(tokenizer, "m", now)


@pytest.mark.parametrize("name", IN_USE)
def test_the_text_is_that_of_transformers(name, tokenizer):
    template = made(tokenizer, IN_USE[name])
    for prompted in (True, False):
        wanted = tokenizer.apply_chat_template(
            TALKS, add_generation_prompt=prompted, tokenize=False
        )
        assert template.render(TALKS, add_generation_prompt=prompted) == wanted


def test_the_template_of_the_package_needs_no_process(tokenizer, monkeypatch):
    monkeypatch.setattr(chat_template.subprocess, "run", None)
    (text, _) = ChatTemplate(tokenizer, "tiny").render(TALKS)
    assert text == "<|user|>What is 1 + 1?\n<|assistant|>"


def test_the_date_is_the_one_given(tokenizer):
    template = made(tokenizer, hostile_templates.DATED, datetime(2024, 2, 29))
    assert template.tells_date
    (text,) = template.render(TALKS[:1])
    assert text == "Today is 29 Feb 2024. What is 1 + 1?\n"
    template.now = datetime(2025, 3, 1)
    assert template.render(TALKS[:1])[0].startswith("Today is 01 Mar 2025.")
    assert not made(tokenizer, "{{ messages }}").tells_date


@pytest.mark.parametrize("what", hostile_templates.FAILING)
def test_a_template_that_fails_is_an_error_in_one_sentence(what, tokenizer):
    template = made(tokenizer, hostile_templates.FAILING[what])
    with pytest.raises(AgentError, match="The chat template of model 'm' fails") as caught:
        template.render(TALKS)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("what", hostile_templates.ENDLESS)
def test_a_template_has_bounds(what, tokenizer, monkeypatch):
    monkeypatch.setattr(chat_template, "_SECONDS", 2.0)
    with pytest.raises(AgentError, match=r"takes more|makes a prompt of|process died|fails"):
        made(tokenizer, hostile_templates.ENDLESS[what]).render(TALKS)


def test_deep_templates_are_errors(tokenizer):
    with pytest.raises(AgentError, match=r"calls itself too deeply|process died|fails"):
        made(tokenizer, hostile_templates.deep(20_000)).render(TALKS)


@pytest.mark.parametrize("text", hostile_templates.ESCAPES)
def test_no_template_leaves_the_sandbox(text, tokenizer):
    try:
        texts = made(tokenizer, text).render(TALKS)
    except AgentError as error:
        assert "fails" in str(error)  # noqa: PT017 - either outcome is right
    else:
        assert not any("uid=" in each or "<class" in each for each in texts)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (None, "has no chat template"),
        ("", "has no chat template"),
        ({}, "has no chat template"),
        ({"rag": "x", "tools": "y\x1b"}, r"several chat templates \(rag, tools\)"),
        (7, "is '7', not a text"),
        ({"default": 7}, "is '7', not a text"),
    ],
)
def test_a_tokenizer_without_a_template_says_what_to_do(template, message):
    with pytest.raises(AgentError, match=f"{message}.*--chat-template FILE"):
        ChatTemplate(SimpleNamespace(chat_template=template), "m")


def test_the_default_of_several_templates_is_taken():
    several = {"rag": "x", "default": "{{ messages }}"}
    assert ChatTemplate(SimpleNamespace(chat_template=several), "m").text == "{{ messages }}"
