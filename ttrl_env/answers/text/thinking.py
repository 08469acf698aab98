r"""Where a completion stops thinking and replies.

- `THOUGHT_MARKS`: what begins or ends a thought.
- `opens_thinking`: whether a prompt ends inside a thought that the completion goes on with.
- `reply_start`: where the reply begins, or None where the thinking never ends.
- `reply`: the reply itself.

Models mark their thoughts in different ways: `<think>` (DeepSeek-R1, QwQ, Qwen3), `[THINK]`
(Magistral), `◁think▷` (Kimi), `<seed:think>` (Seed-OSS), the channels of gpt-oss, and others.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["THOUGHT_MARKS", "opens_thinking", "reply", "reply_start"]

_PAIRS: Final = (
    ("<think>", "</think>"),
    ("<THINK>", "</THINK>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("[THINK]", "[/THINK]"),
    ("[think]", "[/think]"),
    ("◁think▷", "◁/think▷"),
    ("<seed:think>", "</seed:think>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|channel|>analysis", "<|channel|>final"),
    ("<|channel|>commentary", "<|channel|>final"),
)
_MESSAGE: Final = "<|message|>"
THOUGHT_MARKS: Final = frozenset(mark for pair in _PAIRS for mark in pair)
"""What begins or ends a thought; a tokenizer may have it as one special token."""
_BARE_CHANNEL: Final = re.compile(r"analysis(?=[A-Z\"'])")
_BARE_FINAL: Final = "assistantfinal"
"""The channels of gpt-oss where special tokens were left out of the text."""
_ASSISTANT: Final = re.compile(
    r"(?:<\|im_start\|>assistant|<\|start_header_id\|>assistant<\|end_header_id\|>|<\|assistant\|>"
    r"|<｜Assistant｜>|<start_of_turn>model|\[/INST\])\s*$"
)


def opens_thinking(prompt: str) -> bool:
    r"""Returns whether a prompt leaves its completion inside a thought.

    It does where it ends with the mark that opens one, as the chat templates of many reasoning
    models do, or where such a mark begins the reply and only a thought begun by us follows it.

    Args:
        prompt: The prompt as the model reads it, that is, after the chat template.

    >>> opens_thinking("<|im_start|>assistant\n<think>\n")
    True
    >>> opens_thinking("<|im_start|>assistant\n<think>\n\n</think>\n\n")
    False
    """
    end = prompt.rstrip().removesuffix(_MESSAGE)
    if any(end.endswith(opening) for opening, _ in _PAIRS):
        return True
    for opening, closing in _PAIRS:
        start = prompt.rfind(opening)
        if start >= 0 and closing not in prompt[start:]:
            return _ASSISTANT.search(prompt, max(0, start - 64), start) is not None
    return False


def reply_start(text: str, *, thinking: bool = False) -> int | None:
    """Returns where the reply of a completion begins, or None where the thinking never ends.

    Args:
        text: The completion.
        thinking: Whether its prompt had opened a thought, see `opens_thinking`.
    """
    start = 0
    for _, closing in _PAIRS:
        found = text.rfind(closing, start)
        if found >= 0:
            start = found + len(closing)
    if text.startswith(_MESSAGE, start):
        start += len(_MESSAGE)
    if not start and _BARE_CHANNEL.match(text):
        found = text.rfind(_BARE_FINAL)
        return found + len(_BARE_FINAL) if found >= 0 else None
    if thinking and not start:
        return None
    return None if any(text.find(opening, start) >= 0 for opening, _ in _PAIRS) else start


def reply(text: str, *, thinking: bool = False) -> str | None:
    """Returns what a completion says after thinking, or None where the thinking never ends.

    >>> reply("<think>hm, 41?</think>It is 42."), reply("<think>still at it")
    ('It is 42.', None)
    >>> reply("It may be 42, but", thinking=True) is None
    True
    """
    start = reply_start(text, thinking=thinking)
    return None if start is None else text[start:]
