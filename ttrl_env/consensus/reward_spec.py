"""Rewards as text, with their options: `majority(min_ratio=0.3, tie=abstain)`.

- `parse_reward`: the name and the options of a reward as text.

Values are numbers, `true`, `false`, `none`, words with or without quotes, or another reward with
its options, which stays text. Nothing is evaluated.
"""

from __future__ import annotations

import ast
import re

from ttrl_env.consensus.errors import RewardError

__all__ = ["parse_reward"]

# Quoted text, which is left alone, or a name, which may hold what Python would take for operators.
_QUOTED_OR_NAME = re.compile(
    r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|(?<![\w.])[A-Za-z][\w.-]*""", re.DOTALL
)
_WORDS = {"true": True, "false": False, "none": None}
_EXAMPLE = "write it like majority(min_ratio=0.3, tie=abstain)"


def parse_reward(text: str) -> tuple[str, dict[str, object]]:
    """Returns the name and the options of a reward as text.

    Raises:
        RewardError: It cannot be read.

    >>> parse_reward("majority(min_ratio=0.3, tie=abstain)")
    ('majority', {'min_ratio': 0.3, 'tie': 'abstain'})
    >>> parse_reward("held(inner=my-own.reward(tie=share), every=2)")[1]
    {'inner': 'my-own.reward(tie=share)', 'every': 2}
    """
    whole = text.strip()
    try:
        # Of the same length, so that every node can be found in the text itself.
        tree = ast.parse(_QUOTED_OR_NAME.sub(_identifier, whole), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else type(error).__name__
        raise RewardError(f"Reward {text!r} cannot be read ({reason}); {_EXAMPLE}.") from error
    name = tree.func if isinstance(tree, ast.Call) else tree
    if not isinstance(name, ast.Name):
        raise RewardError(f"Reward {text!r} cannot be read; {_EXAMPLE}.")
    options: dict[str, object] = {}
    for given in (*tree.args, *tree.keywords) if isinstance(tree, ast.Call) else ():
        source = _source(whole, given)
        if not isinstance(given, ast.keyword) or not given.arg or not source.startswith(given.arg):
            raise RewardError(
                f"Reward {text!r}: {source!r} is not of the form option=value; {_EXAMPLE}."
            )
        if given.arg in options:
            raise RewardError(f"Reward {text!r} has the option {given.arg} twice.")
        options[given.arg] = _value(given.value, whole)
    return _source(whole, name), options


def _identifier(match: re.Match[str]) -> str:
    found = match[0]
    return found if found[0] in "'\"" else found.replace("-", "_").replace(".", "_")


def _source(text: str, node: ast.AST) -> str:
    return ast.get_source_segment(text, node) or ""


def _value(node: ast.expr, text: str) -> object:
    source = _source(text, node)
    if isinstance(node, ast.Name):
        return _WORDS.get(source.lower(), source)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return source
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, MemoryError, RecursionError) as error:
        raise RewardError(f"Reward {text!r}: {source!r} is not a value; {_EXAMPLE}.") from error
