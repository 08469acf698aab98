"""Rewards as text, with their options: `majority(min_ratio=0.3, tie=abstain)`.

- `parse_reward`: the name and the options of a spelled reward.
- `split_options`: text at its commas, but for those inside brackets or quotes.

Values are numbers, `true`, `false`, `none`, text with or without quotes, or another reward spelled
the same way, which stays text. Nothing is evaluated.
"""

from __future__ import annotations

import ast
import re

from ttrl_env.consensus.errors import RewardError

__all__ = ["parse_reward", "split_options"]

_SPELLED = re.compile(r"\s*([\w.-]+)\s*(?:\((.*)\))?\s*", re.DOTALL)
_OPTION = re.compile(r"\s*([A-Za-z_]\w*)\s*=\s*(.+?)\s*", re.DOTALL)
_BARE = re.compile(r"[A-Za-z][\w.-]*(\(.*\))?", re.DOTALL)
_WORDS = {"true": True, "false": False, "none": None}
_EXAMPLE = "spell it like majority(min_ratio=0.3, tie=abstain)"


def parse_reward(text: str) -> tuple[str, dict[str, object]]:
    """Returns the name and the options of a spelled reward.

    Raises:
        RewardError: It is not spelled so.

    >>> parse_reward("majority(min_ratio=0.3, tie=abstain)")
    ('majority', {'min_ratio': 0.3, 'tie': 'abstain'})
    >>> parse_reward("held(inner=majority(tie=share), every=2)")[1]
    {'inner': 'majority(tie=share)', 'every': 2}
    """
    match = _SPELLED.fullmatch(text)
    if match is None:
        raise RewardError(f"Reward {text!r} cannot be read; {_EXAMPLE}.")
    name, inside = match.groups()
    options: dict[str, object] = {}
    for part in split_options(inside or "", text):
        option = _OPTION.fullmatch(part)
        if option is None:
            raise RewardError(f"Reward {text!r}: {part.strip()!r} is no option=value; {_EXAMPLE}.")
        key, value = option.groups()
        if key in options:
            raise RewardError(f"Reward {text!r} has the option {key} twice.")
        options[key] = _value(value, text)
    return name, options


def split_options(inside: str, text: str) -> list[str]:
    """Returns the parts between commas that stand outside of brackets and quotes.

    Args:
        inside: What is split.
        text: The whole reward, for the message.

    Raises:
        RewardError: A bracket or a quote is left open.

    >>> split_options("a=f(1, 2), b='x,y'", "")
    ['a=f(1, 2)', " b='x,y'"]
    """
    parts, depth, quote = [""], 0, ""
    for letter in inside:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in "([":
            depth += 1
        elif letter in ")]":
            depth -= 1
        if depth < 0:
            break
        if letter == "," and depth == 0 and not quote:
            parts.append("")
        else:
            parts[-1] += letter
    if depth or quote:
        raise RewardError(f"Reward {text!r} has brackets or quotes without their pair.")
    return parts if inside.strip() else []


def _value(value: str, text: str) -> object:
    if value.lower() in _WORDS:
        return _WORDS[value.lower()]
    if _BARE.fullmatch(value):
        return value
    try:
        return ast.literal_eval(value)  # literals alone; names and calls are refused
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        raise RewardError(f"Reward {text!r}: {value!r} is no value; {_EXAMPLE}.") from error
