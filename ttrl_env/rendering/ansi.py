"""The vote as text.

- `render_ansi`: for a terminal, or anything else that shows text.
"""

from __future__ import annotations

import unicodedata

from ttrl_env.rendering.view import VoteView, shown

__all__ = ["render_ansi"]


def render_ansi(view: VoteView, width: int = 88) -> str:
    """Returns the question, the tally with bars, the outcome and each vote in brief.

    Args:
        view: What to show.
        width: Columns to fill.
    """
    lines = [f"#{view.position}  {shown(view.question_id, 60)}"]
    lines += ["  " + line for line in _wrapped(shown(view.prompt, 6 * (width - 2)), width - 2)]
    lines.append("")
    tally = view.tally
    names = {k: shown(name, 24) for k, name, _ in tally}
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
    name = "-" if answer is None else shown(answer, 16)
    reward = "      " if view.verdict is None else f"{view.verdict.rewards[i]:6.2f}"
    cut = "" if getattr(completion, "finished", True) else " (cut off)"
    head = f"{i:>4} {reward}  {_padded(name, 16)}  "
    return head + shown(completion, width - len(head) - len(cut), end=True) + cut


def _columns(text: str) -> int:
    """The columns that a terminal needs; East Asian characters take two, accents none."""
    return sum(
        0 if unicodedata.combining(each) else 1 + (unicodedata.east_asian_width(each) in "WF")
        for each in text
    )


def _padded(text: str, columns: int) -> str:
    return text + " " * (columns - _columns(text))


def _wrapped(text: str, columns: int) -> list[str]:
    lines, line = [], ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if _columns(joined) > columns and line:
            lines.append(line)
            line = word
        else:
            line = joined
    return [*lines, line]
