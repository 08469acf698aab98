"""The tiny reasoner: a small language model that ships with the package.

- `checkpoint_path`: the folder of its checkpoint, for `from_pretrained`.
- `build`: makes the checkpoint from nothing (`python -m ttrl_agents.tiny.build`).
- `solutions`: the worked solutions that it is taught on.
- `tokenizer`: its tokenizer and chat template.
"""

from pathlib import Path

__all__ = ["checkpoint_path"]


def checkpoint_path() -> Path:
    """Returns the folder of the checkpoint that ships with the package."""
    return Path(__file__).parent / "checkpoint"
