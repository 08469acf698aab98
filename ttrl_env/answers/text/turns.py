r"""Where a completion's own turn of a conversation ends.

- `own_turn`: the part of a text before the first mark that ends a turn or begins another's.

Models run past their end-of-turn token, and base models write on as the user: what follows such
a mark is not what was asked for.
"""

from __future__ import annotations

import re
from typing import Final

from ttrl_env.answers.text.pieces import Piece

__all__ = ["own_turn"]

_HEADERS: Final = re.compile(
    r"(?:\s*(?:<\|im_start\|>(?:assistant\b)?|<\|start\|>assistant|<\|assistant\|>|<｜Assistant｜>"
    r"|<\|start_header_id\|>assistant<\|end_header_id\|>|<start_of_turn>(?:model\b)?|\[/INST\]|<s>|<bos>"
    r"|\#{2,4}\s*(?:Response|Assistant)\b\s*:?|Assistant\s*:))+\s*"
)
_ENDS: Final = (
    "<|im_end|>",
    "<|im_start|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|start_header_id|>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|begin_of_text|>",
    "<|return|>",
    "<|endofturn|>",
    "<|end_of_turn|>",
    "<|END_OF_TURN_TOKEN|>",
    "<|user|>",
    "<|assistant|>",
    "<|system|>",
    "<｜end▁of▁sentence｜>",
    "<｜User｜>",
    "<end_of_turn>",
    "<start_of_turn>",
    "</s>",
    "<eos>",
    "[INST]",
    "[/INST]",
    "<<SYS>>",
)
_OTHERS: Final = re.compile(
    r"\n[ \t]*(?:\#{2,4}[ \t]*(?:Instructions?|Human|User|Input)\b|(?:Human|User)[ \t]*:"
    r"|(?:user|assistant|system)[ \t]*\n)"
)
_SPEAKERS: Final = ("Instruction", "Human", "User", "Input", "user", "assistant", "system")
"""Words without which there is nothing to search for."""
_GLUED: Final = re.compile(r"assistant\n\n")
"""What is left of a header where special tokens were left out: `It is 5.assistant`."""
_CHANNELS: Final = "<|end|>"
_NEXT_CHANNEL: Final = "<|start|>assistant"
_CHANNELS_TRIED: Final = 64


def own_turn(text: str) -> Piece:
    """Returns a completion without the headers that begin it and without what ends its turn.

    >>> own_turn("It is 4.<|im_end|><|im_start|>user Thanks! And 3 + 3?").text
    'It is 4.'
    """
    header = _HEADERS.match(text)
    start = header.end() if header else 0
    stop = len(text)
    for mark in _ENDS:
        found = text.find(mark, start, stop)
        if found >= 0:
            stop = found
    position = start
    for _ in range(_CHANNELS_TRIED):
        position = text.find(_CHANNELS, position, stop)
        if position < 0:
            break
        after = position + len(_CHANNELS)
        if not text.startswith(_NEXT_CHANNEL, after):
            stop = position
            break
        position = after
    spoken = any(word in text for word in _SPEAKERS)
    other = _OTHERS.search(text, start, stop) if spoken else None
    if other:
        stop = other.start()
    glued = _GLUED.search(text, start, stop)
    if glued and text[glued.start() - 1 : glued.start()] in set(".!?)}]$*"):
        stop = glued.start()
    return Piece(text[start:stop], start)
