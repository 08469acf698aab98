"""Rewards as text, with their options: `majority(min_ratio=0.3, tie=abstain)`.

- `parse_reward`: the name and the options of a reward as text.
- `SUM`: the name of a sum, as of `majority + 0.1*format_only`.

Values are numbers, `true`, `false`, `none`, words with or without quotes, or another reward with
its options or a sum of rewards, which stay text. Nothing is evaluated.
"""

from __future__ import annotations

import ast
import re

from ttrl_env.consensus.errors import RewardError

__all__ = ["SUM", "parse_reward"]

SUM = "+"
"""The name of a sum of rewards, which no reward can have; its option `terms` holds pairs of a
weight and the text of a reward."""

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
    >>> parse_reward("majority(tie=share) + 0.1*format_only")
    ('+', {'terms': [(1.0, 'majority(tie=share)'), (0.1, 'format_only')]})
    """
    whole = text.strip()
    try:
        # Of the same length, so that every node can be found in the text itself.
        tree = ast.parse(_QUOTED_OR_NAME.sub(_identifier, whole), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else type(error).__name__
        raise RewardError(f"Reward {text!r} cannot be read ({reason}); {_EXAMPLE}.") from error
    if isinstance(tree, ast.BinOp):
        terms = _terms(tree, whole)
        if terms is None:
            raise RewardError(
                f"Reward {text!r} cannot be read; write a sum like majority + 0.1*format_only, "
                "with a number above 0 before a reward, and no brackets around several."
            )
        return SUM, {"terms": terms}
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


def _terms(node: ast.expr, text: str) -> list[tuple[float, str]] | None:
    """The weights and the rewards of a sum; `None` if it is not one."""
    found: list[tuple[float, str]] = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        term = _term(node.right, text)
        if term is None:
            return None
        found.append(term)
        node = node.left
    first = _term(node, text)
    return None if first is None else [first, *reversed(found)]


def _term(node: ast.expr, text: str) -> tuple[float, str] | None:
    weight = 1.0
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        number = node.left.value if isinstance(node.left, ast.Constant) else None
        if isinstance(number, bool) or not isinstance(number, int | float):
            return None
        weight, node = float(number), node.right
    is_reward = isinstance(node.func if isinstance(node, ast.Call) else node, ast.Name)
    return (weight, _source(text, node)) if is_reward else None


def _source(text: str, node: ast.AST) -> str:
    return ast.get_source_segment(text, node) or ""


def _value(node: ast.expr, text: str) -> object:
    source = _source(text, node)
    if isinstance(node, ast.Name):
        return _WORDS.get(source.lower(), source)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return source
    if isinstance(node, ast.BinOp) and _terms(node, text) is not None:
        return source
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, MemoryError, RecursionError) as error:
        raise RewardError(f"Reward {text!r}: {source!r} is not a value; {_EXAMPLE}.") from error
