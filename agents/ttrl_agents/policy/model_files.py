"""What the files of a model say of themselves, looked at before a library believes it.

- `check_model_files`: raises where an index names pickles or files elsewhere, or where a shape
  cannot be that of the weights.
- `check_all_loaded`: raises where weights are missing, and warns where some have no place.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from transformers.utils.hub import cached_file

from ttrl_agents.errors import AgentError, PolicyWarning
from ttrl_benchmarks.printable import counted, plain_text

__all__ = ["check_all_loaded", "check_model_files"]

_INDEX, _WHOLE = "model.safetensors.index.json", "model.safetensors"
_SHARD = re.compile(r"[\w.+-]+\.safetensors", re.ASCII)
_LAYERS = ("num_hidden_layers", "num_layers", "n_layer", "n_layers")
# Making this many layers takes a moment; more need as many weights.
_FEW_LAYERS = 1000


def check_model_files(source: str, config: Any) -> None:
    """Checks what the files of a model name, and how large it says that it is.

    Args:
        source: The folder of a checkpoint, or an id on the Hugging Face Hub.
        config: Its configuration, as `transformers` reads it.

    Raises:
        AgentError: The index of its weights names something other than safetensors files beside
            it, or the model has more layers than its files have weights.
    """
    if Path(source, "adapter_config.json").is_file():
        raise AgentError(
            f"Folder {source!r} holds a model and an adapter (adapter_config.json). Put the "
            "adapter into a folder of its own, or remove it."
        )
    weights = _weights_named(source)
    if weights is None:
        return
    for part in (config, config.get_text_config()):
        for name in _LAYERS:
            layers = getattr(part, name, None)
            if isinstance(layers, int) and layers > max(_FEW_LAYERS, weights):
                raise AgentError(
                    f"Model {source!r} says that it has {layers:,} layers ({name} in config.json), "
                    f"and its files hold {weights:,} weights. Correct or download it again."
                )


def check_all_loaded(source: str, model: Any, found: Mapping[str, Any]) -> None:
    """Checks that a model has all of its weights: `transformers` fills gaps with random numbers.

    Args:
        source: The name of the model.
        model: The model.
        found: What `from_pretrained` returns with `output_loading_info`.

    Raises:
        AgentError: Some weights are in no file.

    Warns:
        PolicyWarning: Some weights of the files have no place in the model.
    """
    kind = type(model).__name__
    if missing := found["missing_keys"]:
        raise AgentError(
            f"Model {source!r} is not whole: its files do not hold {_some(missing)}, which a "
            f"{kind} has. Download or save it again; if it is a model for another purpose (one "
            "that scores or embeds texts), take one that writes text."
        )
    if beside := found["unexpected_keys"]:
        warnings.warn(
            f"The files of model {source!r} hold weights for which a {kind} has no place: "
            f"{_some(beside)}. They are left out. See whether its config.json is that of these "
            "weights.",
            PolicyWarning,
            stacklevel=3,
        )


def _some(names: Iterable[str]) -> str:
    """Returns the first of some names, and how many more there are."""
    first, *more = sorted(map(str, names))
    return plain_text(first)[:80] + (f" and {counted(len(more), 'other')}" if more else "")


def _weights_named(source: str) -> int | None:
    """Returns how many weights a model has, or `None` where that is not known."""
    index = _find(source, _INDEX)
    if index is not None:
        return len(_read_index(source, index))
    whole = _find(source, _WHOLE)
    if whole is None:
        return None
    try:
        with safe_open(whole, "pt") as file:
            return len(file.keys())
    except (OSError, SafetensorError) as error:
        raise AgentError(
            f"Model {source!r} cannot be loaded: {whole.name} cannot be read: "
            f"{plain_text(str(error))}"
        ) from error


def _read_index(source: str, path: Path) -> dict[str, str]:
    try:
        names: Any = json.loads(path.read_text(encoding="utf-8"))["weight_map"]
        shards = {str(each) for each in names.values()}
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise AgentError(
            f"Model {source!r} cannot be loaded: {path.name} cannot be read as an index of "
            f"weights: {plain_text(str(error))}"
        ) from error
    for shard in sorted(shards):
        if not _SHARD.fullmatch(shard):
            raise AgentError(
                f"The index of model {source!r} names {shard[:80]!r}. Only .safetensors files "
                "beside it are read: pickled weights can run code. Save the model with safetensors."
            )
    return dict(names)


def _find(source: str, name: str) -> Path | None:
    found = cached_file(
        source,
        name,
        _raise_exceptions_for_missing_entries=False,
        _raise_exceptions_for_connection_errors=False,
        _raise_exceptions_for_gated_repo=False,
    )
    return None if found is None else Path(found)
