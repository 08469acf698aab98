"""Pictures as SVG: text, boxes, arrows and charts, the same bytes on every machine.

A picture is 560 units wide with letters of 15 or more, so that it can be read on a telephone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

__all__ = ["COLORS", "FAINT", "INK", "LINE", "WIDTH", "Axis", "Chart", "Sheet", "write"]

IMAGES = Path(__file__).parents[1] / "images"
WIDTH = 560
INK, FAINT, LINE = "#1f2933", "#52606d", "#9aa5b1"
# Told apart by everyone, in print as well: blue, orange, green, purple, grey.
COLORS = ("#1f5fa8", "#b4552d", "#1f7a4d", "#7b4fa3", "#6b7580")

_SHEET = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" \
height="{height}" font-family="Helvetica, Arial, 'DejaVu Sans', sans-serif" role="img">
<title>{title}</title>
<defs><marker id="tip" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="5" markerHeight="5" \
orient="auto"><path d="M 0 0 L 8 4 L 0 8 z" fill="{faint}"/></marker></defs>
<rect width="{width}" height="{height}" fill="#fff"/>
{parts}
</svg>
"""


class Sheet:
    """A sheet to draw on.

    Args:
        title: What the picture shows, for who does not see it.
        height: Its height.
    """

    def __init__(self, title: str, height: int) -> None:
        self.title, self.height = title, height
        self.parts: list[str] = []

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        size: int = 16,
        color: str = INK,
        anchor: str = "middle",
        bold: bool = False,
    ) -> None:
        """Writes one line of text; `y` is its baseline."""
        weight = ' font-weight="bold"' if bold else ""
        self.parts.append(
            f'<text x="{x:.4g}" y="{y:.4g}" font-size="{size}" fill="{color}" '
            f'text-anchor="{anchor}"{weight}>{escape(words)}</text>'
        )

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        *,
        color: str = LINE,
        fill: str = "#fff",
        corner: int = 6,
    ) -> None:
        """Draws a box."""
        self.parts.append(
            f'<rect x="{x:.4g}" y="{y:.4g}" width="{width:.4g}" height="{height:.4g}" '
            f'rx="{corner}" fill="{fill}" stroke="{color}"/>'
        )

    def path(
        self,
        path: str,
        *,
        color: str = LINE,
        width: float = 2,
        dashed: bool = False,
        arrow: bool = False,
    ) -> None:
        """Draws a line along the commands of an SVG path."""
        extras = ' stroke-dasharray="5 4"' if dashed else ""
        extras += ' marker-end="url(#tip)"' if arrow else ""
        self.parts.append(
            f'<path d="{path}" fill="none" stroke="{color}" stroke-width="{width:g}"{extras}/>'
        )

    def arrow(self, path: str, color: str = LINE) -> None:
        """Draws a line that ends in an arrowhead."""
        self.path(path, color=color, arrow=True)

    def curve(
        self,
        points: Iterable[tuple[float, float]],
        *,
        color: str,
        width: float = 3,
        dashed: bool = False,
    ) -> None:
        """Draws a line through points."""
        joined = " L ".join(f"{x:.1f} {y:.1f}" for x, y in points)
        self.path(f"M {joined}", color=color, width=width, dashed=dashed)

    def svg(self) -> str:
        """Returns the picture."""
        return _SHEET.format(
            width=WIDTH,
            height=self.height,
            title=escape(self.title),
            faint=FAINT,
            parts="\n".join(self.parts),
        )


class Axis(NamedTuple):
    """One axis of a chart.

    Attributes:
        low: The value at its start.
        high: The value at its end.
        ticks: The values that are marked.
        name: What it shows.
        place: From a value to where it lies, before it is scaled; a logarithm, for instance.
    """

    low: float
    high: float
    ticks: Sequence[float]
    name: str = ""
    place: Callable[[float], float] = float


class Chart:
    """Axes on a sheet, and a place for values between them.

    Args:
        sheet: The sheet.
        x: Its left edge.
        y: Its upper edge.
        width: Its width.
        height: Its height.
        across: The horizontal axis.
        up: The vertical axis.
    """

    def __init__(
        self,
        sheet: Sheet,
        x: float,
        y: float,
        width: float,
        height: float,
        across: Axis,
        up: Axis,
    ) -> None:
        self.sheet, self.x, self.y, self.width, self.height = sheet, x, y, width, height
        self.across, self.up = across, up
        bottom = y + height
        for value in up.ticks:
            _, at = self.at(across.low, value)
            sheet.path(f"M {x:g} {at:.1f} H {x + width:g}", color="#e4e7eb", width=1)
            sheet.text(x - 6, at + 5, f"{value:g}", size=15, color=FAINT, anchor="end")
        for value in across.ticks:
            at, _ = self.at(value, up.low)
            sheet.path(f"M {at:.1f} {bottom:g} v 5", width=1)
            sheet.text(at, bottom + 21, f"{value:g}", size=15, color=FAINT)
        sheet.path(f"M {x:g} {y:g} V {bottom:g} H {x + width:g}", width=1.5)
        if across.name:
            sheet.text(x + width / 2, bottom + 42, across.name, size=15, color=FAINT)
        if up.name:
            sheet.text(x - 6, y - 10, up.name, size=15, color=FAINT, anchor="start")

    def at(self, across: float, up: float) -> tuple[float, float]:
        """Returns the place of a pair of values on the sheet."""
        return (
            self.x + self.width * _share(self.across, across),
            self.y + self.height * (1 - _share(self.up, up)),
        )

    def curve(
        self, values: Iterable[tuple[float, float]], *, color: str, dashed: bool = False
    ) -> None:
        """Draws a line through pairs of values."""
        self.sheet.curve((self.at(*each) for each in values), color=color, dashed=dashed)

    def label(
        self, across: float, up: float, words: str, *, color: str, anchor: str = "start"
    ) -> None:
        """Writes words beside a pair of values."""
        x, y = self.at(across, up)
        self.sheet.text(x, y, words, size=15, color=color, anchor=anchor)


def _share(axis: Axis, value: float) -> float:
    low, high = axis.place(axis.low), axis.place(axis.high)
    return (axis.place(value) - low) / (high - low)


def write(name: str, picture: str) -> None:
    """Writes a picture into the folder of the pictures.

    Args:
        name: The name of its file.
        picture: The picture.
    """
    (IMAGES / name).write_text(picture, encoding="utf-8")
