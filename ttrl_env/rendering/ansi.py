"""The vote as text.

- `render_ansi`: for a terminal, or anything else that shows text.
"""

from __future__ import annotations

import unicodedata

from ttrl_env.rendering.view import VoteView, shown, wrapped

__all__ = ["render_ansi"]

_NARROWEST = 60
_MOST_LINES = 6  # of the question


def render_ansi(view: VoteView, width: int = 88) -> str:
    """Returns the question, the tally with bars, the outcome and each vote in brief.

    Args:
        view: What to show.
        width: Columns to fill, 60 or more.

    Raises:
        ValueError: `width` is too small.
    """
    if width < _NARROWEST:
        raise ValueError(f"width must be {_NARROWEST} or more, not {width}")
    lines = [_cut(f"#{view.position}  {shown(view.question_id, 60)}", width)]
    inner = width - 2
    prompt = _cut(shown(view.prompt, _MOST_LINES * inner), _MOST_LINES * inner)
    lines += ["  " + line for line in wrapped(prompt, lambda each: _columns(each) <= inner)]
    lines.append("")
    tally = view.tally
    names = {k: _cut(shown(name, 24), 24) for k, name, _ in tally}
    column = max([_columns(name) for name in names.values()], default=0)
    bar = width - column - 18
    for k, _, count in tally[:12]:
        mark = "→" if k == view.winner and k >= 0 else " "
        filled = round(bar * count / view.group_size)
        blocks = ("█" if k >= 0 else "░") * max(filled, 1)
        share = count / view.group_size
        lines.append(
            f"{mark} {_padded(names[k], column)}  {blocks:<{bar}}  {count:>4} {share:>5.0%}"
        )
    if len(tally) > 12:
        rest = sum(count for _, _, count in tally[12:])
        lines.append(f"  and {len(tally) - 12} more answers with {rest} votes")
    lines += [view.summary, ""]
    for i, completion in enumerate(view.completions):
        lines.append(_vote_line(view, i, completion, width))
    return "\n".join(lines).rstrip() + "\n"


def _vote_line(view: VoteView, i: int, completion: str, width: int) -> str:
    answer = None if view.ballot is None else view.ballot.answers[i]
    name = "-" if answer is None else _cut(shown(answer, 16), 16)
    reward = "      " if view.verdict is None else f"{view.verdict.rewards[i]:6.2f}"
    cut = "" if getattr(completion, "finished", True) else " (cut off)"
    head = f"{i:>4} {reward}  {_padded(name, 16)}  "
    room = width - _columns(head) - len(cut)
    return head + _cut(shown(completion, room, end=True), room, end=True) + cut


def _columns(text: str) -> int:
    """The columns that a terminal needs; East Asian characters take two, accents none."""
    return sum(
        0 if unicodedata.combining(each) else 1 + (unicodedata.east_asian_width(each) in "WF")
        for each in text
    )


def _padded(text: str, columns: int) -> str:
    return text + " " * (columns - _columns(text))


def _cut(text: str, columns: int, *, end: bool = False) -> str:
    """The beginning or the end of what needs more columns than there are."""
    if _columns(text) <= columns:
        return text
    kept, free = [], columns - 1
    for letter in reversed(text) if end else text:
        free -= _columns(letter)
        if free < 0:
            break
        kept.append(letter)
    return "…" + "".join(reversed(kept)) if end else "".join(kept) + "…"
