"""Folders that several ranks fill together, and that appear whole or not at all.

- `replace_folder_together`: fills a temporary folder on every rank and replaces an old one with it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ttrl_agents.distributed.world import world
from ttrl_agents.run.atomic import replace_folder, temporary_folder

__all__ = ["replace_folder_together"]


def replace_folder_together(
    path: Path, fill: Callable[[Path], None], *, everywhere: bool = True
) -> None:
    """Fills a temporary folder and replaces the old one with it.

    Args:
        path: The folder, which may or may not exist.
        fill: Writes this rank's files into the folder that it is given.
        everywhere: Whether every rank fills it; if not, only the leader does.

    Raises:
        OSError: A rank could not write; the old folder is as it was.
    """
    ranks = world()
    if ranks.size == 1 or not everywhere:
        ranks.lead(lambda: replace_folder(path, fill))
        return

    def fill_with_others(aside: Path) -> None:
        ranks.wait()  # until the folder is there
        fill(aside)
        ranks.wait()  # until all have written into it

    with ranks.agreement():
        if ranks.leads:
            replace_folder(path, fill_with_others)
        else:
            fill_with_others(temporary_folder(path))
