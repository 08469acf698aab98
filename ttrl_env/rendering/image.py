"""The vote as an image.

- `render_image`: the question and a histogram of its votes.

Pillow draws it, which matplotlib brings along; neither is imported before the first frame.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ttrl_env.rendering.view import VoteView, shown, wrapped

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

__all__ = ["render_image"]

_WIDTH, _HEIGHT, _MARGIN = 640, 480, 24
_PAPER, _INK, _QUIET = (255, 255, 255), (32, 33, 36), (110, 115, 122)
# The winner is shown by place and by colour: everyone can tell blue from grey.
_WINNER, _OTHER, _ABSENT = (0, 95, 178), (160, 168, 178), (226, 229, 233)
_MOST_BARS = 8


@lru_cache(maxsize=8)
def _font(size: int, *, bold: bool = False) -> FreeTypeFont:
    # Not Pillow's own: it has no π. Matplotlib brings DejaVu, which knows Greek and mathematics.
    import matplotlib
    from PIL import ImageFont

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(f"{matplotlib.get_data_path()}/fonts/ttf/{name}", size)


def render_image(view: VoteView) -> npt.NDArray[np.uint8]:
    """Returns the question and the histogram of the vote, shape (480, 640, 3), uint8."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (_WIDTH, _HEIGHT), _PAPER)
    draw = ImageDraw.Draw(image)
    inner = _WIDTH - 2 * _MARGIN
    title = _fitted(f"#{view.position}   {shown(view.question_id, 60)}", _font(14), inner)
    draw.text((_MARGIN, 18), title, font=_font(14), fill=_QUIET)
    top = 44
    for line in _wrapped_to(shown(view.prompt, 600), _font(16), inner, 4):
        draw.text((_MARGIN, top), line, font=_font(16), fill=_INK)
        top += 23
    summary = _fitted(view.summary, _font(15, bold=True), inner)
    draw.line((_MARGIN, _HEIGHT - 48, _WIDTH - _MARGIN, _HEIGHT - 48), fill=_ABSENT, width=1)
    draw.text((_MARGIN, _HEIGHT - 36), summary, font=_font(15, bold=True), fill=_INK)
    _draw_bars(draw, view, top + 16, _HEIGHT - 60)
    return np.asarray(image, dtype=np.uint8).copy()


def _draw_bars(draw: ImageDraw, view: VoteView, top: int, bottom: int) -> None:
    rows = [(k, shown(name, 40), count) for k, name, count in view.tally]
    if not rows:
        draw.text((_MARGIN, top + 20), "no votes yet", font=_font(16), fill=_QUIET)
        return
    if len(rows) > _MOST_BARS:
        absent = [row for row in rows if row[0] == -1]
        kept = rows[: _MOST_BARS - 1 - len(absent)]
        others = [row for row in rows if row not in kept and row not in absent]
        names = f"{len(others)} other answers"
        rows = [*kept, (-2, names, sum(count for *_, count in others)), *absent]
    pitch = min(40, (bottom - top) // len(rows))
    thick, column, number = min(26, pitch - 8), 170, 92
    longest = max(count for *_, count in rows)
    left = _MARGIN + column + 12
    room = _WIDTH - _MARGIN - number - left
    for i, (k, name, count) in enumerate(rows):
        y = top + i * pitch
        won = k == view.winner and k >= 0
        font = _font(15, bold=won)
        colour = _WINNER if won else _ABSENT if k == -1 else _OTHER
        label = _fitted(name, font, column)
        label_x = _MARGIN + column - draw.textlength(label, font=font)
        middle = y + thick / 2
        ink = _QUIET if k < 0 else _INK
        draw.text((label_x, middle), label, font=font, fill=ink, anchor="lm")
        draw.rectangle((left, y, left + max(2, room * count / longest), y + thick), fill=colour)
        share = f"{count}  {count / view.group_size:.0%}"
        end = left + room * count / longest + 10
        draw.text((end, middle), share, font=font, fill=_INK, anchor="lm")


def _fitted(text: str, font: FreeTypeFont, width: float) -> str:
    """The text, cut so that it is no wider than `width` pixels."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"


def _wrapped_to(text: str, font: FreeTypeFont, width: float, most: int) -> list[str]:
    """The text in at most `most` lines, none wider than `width` pixels."""
    lines = wrapped(text, lambda line: font.getlength(line) <= width)
    if len(lines) > most:
        lines = [*lines[: most - 1], " ".join(lines[most - 1 :])]
    return [_fitted(each, font, width) for each in lines]
