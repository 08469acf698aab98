"""Chat templates that fail, loop, or take what they are not given.

- `FAILING`: those that raise an error, by what is wrong with them.
- `UNUSABLE`: those that make what no tokenizer takes.
- `ENDLESS`: those that take time or memory without end.
- `ESCAPES`: those that try to leave the sandbox; what they render is text and nothing more.
- `DATED`: one that tells the date.
- `deep`: one of any depth.
"""

from __future__ import annotations

__all__ = ["DATED", "ENDLESS", "ESCAPES", "FAILING", "UNUSABLE", "deep"]

QUESTION = "{{ messages[0]['content'] }}"

FAILING = {
    "a division by zero": "{{ 1 / 0 }}",
    "an addition of text": "{{ 1 + 'a' }}",
    "an attribute of nothing": "{{ messages[0].missing.deeper }}",
    "an index of nothing": "{{ messages[7]['content'] }}",
    "a filter that does not exist": "{{ messages | no_such_filter }}",
    "a test that does not exist": "{{ messages is no_such_test }}",
    "an error in the syntax": "{% for %}",
    "an unfinished block": "{% if true %}x",
    "a tag that does not exist": "{% system %}",
    "an exception of its own": "{{ raise_exception('only for robots') }}",
    "an exception that is not text": "{{ raise_exception(messages) }}",
    "an escape sequence in an exception": "{{ raise_exception('\x1b]0;owned\x07') }}",
    "a file of the machine": "{% include '/etc/passwd' %}",
    "a parent": "{% extends 'base.html' %}",
    "an import": "{% import 'os' as os %}{{ os }}",
    "a range beyond the sandbox": "{% for i in range(10 ** 9) %}x{% endfor %}",
    "a macro without end": "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "a date that is none": QUESTION + "{{ strftime_now(7) }}",
    "json of a function": "{{ raise_exception | tojson }}",
}

UNUSABLE = {
    "nothing at all": "{{ '' }}",
    "half a character": QUESTION + "{{ '\\ud800' }}",
}

ENDLESS = {
    "loops in loops": "{% for a in range(99999) %}{% for b in range(99999) %}"
    "{% for c in range(99999) %}{% endfor %}{% endfor %}{% endfor %}",
    "a text of five gigabytes": "{{ 'a' * 5000000000 }}",
    "a list of five billion": "{{ ([0] * 5000000000) | length }}",
    "a text that doubles": "{% set ns = namespace(x='a') %}{% for i in range(60) %}"
    "{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}",
    "a wide format": "{{ '%3000000000d' | format(1) }}",
    "a wide indent": "{{ 'a' | indent(5000000000, first=true) }}",
    "a power": "{{ (9 ** (9 ** (9 ** 9))) | string | length }}",
    "a text of forty megabytes": "{{ 'a' * 40000000 }}",
    "filler text": "{{ lipsum(n=10000000) }}",
}

ESCAPES = (
    "{{ ''.__class__.__mro__ }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ self.__init__.__globals__ }}",
    "{{ lipsum.__globals__['os'].system('id') }}",
    "{{ messages.append({'role': 'user', 'content': 'more'}) }}",
    "{{ dict.__base__.__subclasses__() }}",
    "{{ '{0.__class__}'.format(1) }}",
    "{{ strftime_now.__self__ }}",
    "{{ raise_exception.__globals__ }}",
)

DATED = "Today is {{ strftime_now('%d %b %Y') }}. " + QUESTION


def deep(levels: int) -> str:
    """Returns a template of brackets within brackets."""
    return QUESTION + "{{ " + "(" * levels + "1" + ")" * levels + " }}"
