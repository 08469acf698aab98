"""The vote as text and as an image.

- `VoteView`, `view_vote`: what there is to show of one group.
- `render_ansi`: as text, for a terminal.
- `render_image`: as a picture of 640 by 480 pixels.
- `render_view`: either, by the name of a render mode.
- `RENDER_MODES`, `check_render_mode`: the modes.
"""

from ttrl_env.rendering.ansi import render_ansi
from ttrl_env.rendering.image import render_image
from ttrl_env.rendering.modes import RENDER_MODES, check_render_mode, render_view
from ttrl_env.rendering.view import VoteView, view_vote

__all__ = [
    "RENDER_MODES",
    "VoteView",
    "check_render_mode",
    "render_ansi",
    "render_image",
    "render_view",
    "view_vote",
]
