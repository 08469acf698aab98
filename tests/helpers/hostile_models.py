"""Model folders that are damaged, wrong or hostile, made of the tiny reasoner.

- `BROKEN`: what is done to a copy of it, by what is wrong, with the words of the error.
- `ODD`: what is done to a copy that can be used all the same.
- `make_model`: a folder with such a model.
"""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from ttrl_agents.tiny import checkpoint_path

__all__ = ["BROKEN", "ODD", "Touched", "edit_json", "make_model", "set_template"]


class Touched:
    """A pickle that leaves a file behind when it is read."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.trace,)


def make_model(folder: Path, change: Callable[[Path], None]) -> Path:
    """Copies the tiny reasoner into a folder and changes the copy."""
    shutil.copytree(checkpoint_path(), folder)
    change(folder)
    return folder


def edit_json(name: str, **values: Any) -> Callable[[Path], None]:
    """Returns what sets values in a JSON file of a model; `None` removes one."""

    def change(folder: Path) -> None:
        path = folder / name
        old = json.loads(path.read_text()) if path.is_file() else {}
        new = {key: value for key, value in {**old, **values}.items() if value is not None}
        path.write_text(json.dumps(new))

    return change


def set_template(text: str) -> Callable[[Path], None]:
    """Returns what replaces the chat template of a model."""

    def change(folder: Path) -> None:
        (folder / "chat_template.jinja").write_text(text, encoding="utf-8")

    return change


def _several_templates(*names: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        own = (folder / "chat_template.jinja").read_text()
        (folder / "chat_template.jinja").unlink()
        several = [{"name": name, "template": own} for name in names]
        edit_json("tokenizer_config.json", chat_template=several)(folder)

    return change


def _weights(edit: Callable[[dict[str, torch.Tensor]], None]) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "model.safetensors"
        tensors = load_file(path)
        edit(tensors)
        path.unlink()
        save_file(tensors, path, metadata={"format": "pt"})

    return change


def _first(tensors: dict[str, torch.Tensor], value: float) -> None:
    tensors[min(tensors)].view(-1)[3] = value


def _drop(tensors: dict[str, torch.Tensor], part: str) -> None:
    del tensors[min(each for each in tensors if part in each)]


def _index(shard: str, make: Callable[[Path, Path], None]) -> Callable[[Path], None]:
    """Returns what replaces the weights by a shard that an index names."""

    def change(folder: Path) -> None:
        whole = folder / "model.safetensors"
        names = list(load_file(whole))
        make(folder, whole)
        whole.unlink()
        index = {"metadata": {}, "weight_map": dict.fromkeys(names, shard)}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))

    return change


def _pickled(folder: Path, whole: Path) -> None:
    torch.save(load_file(whole), folder / "pytorch_model.bin")


def _elsewhere(folder: Path, whole: Path) -> None:
    (folder.parent / "elsewhere").mkdir()
    torch.save(load_file(whole), folder.parent / "elsewhere" / "x.bin")
    shutil.copy(whole, folder.parent / "elsewhere" / "x.safetensors")


def _trap(folder: Path, whole: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Touched(folder / "touched")))


def _write(name: str, content: bytes) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).write_bytes(content)

    return change


def _both(*changes: Callable[[Path], None]) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        for each in changes:
            each(folder)

    return change


BROKEN: dict[str, tuple[Callable[[Path], None], str]] = {
    "a pickled shard": (_index("pytorch_model.bin", _pickled), "names 'pytorch_model.bin'"),
    "a pickled shard elsewhere": (_index("../elsewhere/x.bin", _elsewhere), "names '../elsewhere"),
    "a shard elsewhere": (_index("../elsewhere/x.safetensors", _elsewhere), "names '../elsewhere"),
    "a pickle that runs code": (_index("pytorch_model.bin", _trap), "names 'pytorch_model.bin'"),
    "an index that is a list": (_write("model.safetensors.index.json", b"[1]"), "as an index of"),
    "an index that is not JSON": (_write("model.safetensors.index.json", b"{"), "as an index of"),
    "a deep index": (_write("model.safetensors.index.json", b"[" * 10**5), "as an index of"),
    "weights that are not numbers": (
        _weights(lambda tensors: _first(tensors, float("nan"))),
        "not finite: model.embed_tokens.weight hold NaN or inf",
    ),
    "infinite weights": (
        _weights(lambda tensors: _first(tensors, float("inf"))),
        "not finite: model.embed_tokens.weight hold NaN or inf",
    ),
    "a weight that is missing": (
        _weights(lambda tensors: _drop(tensors, "mlp")),
        "its files do not hold model.layers.0.mlp.down_proj.weight, which a",
    ),
    "no embeddings": (
        _weights(lambda tensors: _drop(tensors, "embed")),
        "its files do not hold ",
    ),
    "ten million layers": (edit_json("config.json", num_hidden_layers=10**7), "10,000,000 layers"),
    "an end token that is text": (
        edit_json("generation_config.json", eos_token_id="x"),  # noqa: S106
        "token 'x' ends a text",
    ),
    "an end token that is a list": (
        edit_json("generation_config.json", eos_token_id=[[1]]),
        "token [1] ends a text",
    ),
    "an end token beyond the vocabulary": (
        _both(
            edit_json("generation_config.json", eos_token_id=10**6),
            edit_json("tokenizer_config.json", eos_token=None),
        ),
        "1000000 ends a text",
    ),
    "several templates": (_several_templates("tools", "rag"), "several chat templates"),
    "a template that is a number": (
        _both(
            lambda folder: (folder / "chat_template.jinja").unlink(),
            edit_json("tokenizer_config.json", chat_template=7),
        ),
        "is '7', not a text",
    ),
    "a template that ignores the question": (set_template("always the same"), "leaves out the"),
    "an adapter in the folder of a model": (
        edit_json("adapter_config.json", peft_type="LORA", base_model_name_or_path="tiny"),
        "a model and an adapter",
    ),
    "code of its own": (
        edit_json(
            "config.json", auto_map={"AutoModelForCausalLM": "evil.Model"}, model_type="evil"
        ),
        "cannot be loaded",
    ),
    "a damaged tokenizer": (_write("tokenizer.json", b'{"model": 7}'), "cannot be loaded"),
    "damaged weights": (_write("model.safetensors", b"\xff" * 64), "cannot be read"),
}

ODD: dict[str, Callable[[Path], None]] = {
    "a pad token beyond the vocabulary": edit_json("tokenizer_config.json", pad_token="zzz"),  # noqa: S106
    "no pad token": edit_json("tokenizer_config.json", pad_token=None),
    "several templates with a default": _several_templates("tools", "default"),
    "end tokens in a list": edit_json("generation_config.json", eos_token_id=[3, 3]),
}
