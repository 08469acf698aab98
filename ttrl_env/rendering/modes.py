"""The render modes.

- `RENDER_MODES`: their names.
- `check_render_mode`: raises for a mode that does not exist or cannot work here.
- `render_view`: shows a view in a mode.
"""

from __future__ import annotations

import importlib.util
from typing import Any

from gymnasium.error import DependencyNotInstalled

from ttrl_env.rendering.ansi import render_ansi
from ttrl_env.rendering.image import render_image
from ttrl_env.rendering.view import VoteView

__all__ = ["RENDER_MODES", "check_render_mode", "render_view"]

RENDER_MODES = ("ansi", "rgb_array")


def check_render_mode(mode: str | None) -> str | None:
    """Returns the render mode.

    Raises:
        ValueError: There is no such mode.
        gymnasium.error.DependencyNotInstalled: It needs a package that is missing.
    """
    if mode is not None and mode not in RENDER_MODES:
        known = ", ".join(map(repr, RENDER_MODES))
        raise ValueError(
            f"unknown render_mode {mode!r}; use one of {known}, or None. For a window, use "
            "'rgb_array' with Gymnasium's HumanRendering wrapper."
        )
    if mode == "rgb_array" and importlib.util.find_spec("matplotlib") is None:
        raise DependencyNotInstalled(
            "render_mode='rgb_array' draws with the fonts of matplotlib; run "
            "`pip install 'ttrl-env[render]'`, or use render_mode='ansi'"
        )
    return mode


def render_view(view: VoteView, mode: str | None) -> Any:
    """Returns the view as text (`"ansi"`) or as an image (`"rgb_array"`); nothing for `None`."""
    if mode is None:
        return None
    return render_ansi(view) if mode == "ansi" else render_image(view)
