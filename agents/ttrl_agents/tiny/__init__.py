"""The tiny reasoners: two small language models that ship with the package.

- `SHIPPED`: their names, which are taken wherever a model is named.
- `checkpoint_path`: the folder of a checkpoint, for `from_pretrained`.
- `build`: makes the checkpoints from nothing (`python -m ttrl_agents.tiny.build`), and says what
  each of them shows.
- `solutions`: the solutions that they are taught on.
- `tokenizer`: their tokenizer and chat template.
- `random_policy`: a policy with random weights and their tokenizer, for tests and timings.
"""

from pathlib import Path

__all__ = ["SHIPPED", "checkpoint_path"]

SHIPPED = {"tiny": "checkpoint", "tiny-noisy": "checkpoint_noisy"}  # the folder of each


def checkpoint_path(name: str = "tiny") -> Path:
    """Returns the folder of a checkpoint that ships with the package.

    Args:
        name: One of `SHIPPED`.
    """
    return Path(__file__).parent / SHIPPED[name]
