"""Hostile files of questions, model folders and chat templates, for `make torture`."""

from __future__ import annotations

import random
import sys
from pathlib import Path

from hostile import hostile

sys.path.append(str(Path(__file__).parents[1] / "helpers"))

import hostile_models
import hostile_templates
from hostile_files import hostile_file

_LITTLE = ["--k", "2", "--limit", "2", "--max-tokens", "4"]


def _eval(model: Path, folder: Path) -> list[object]:
    return ["eval", model, *_LITTLE, "--output", folder / "evaluation"]


@hostile("a file of questions")
def questions(folder: Path, rng: random.Random) -> list[object]:
    """A file of questions, damaged or odd."""
    path = hostile_file(folder, rng)
    asked = ["--env", "TTRL-Questions-v0", "--data", path, "--duplicates", "drop"]
    return ["eval", "tiny", *asked, *_LITTLE, "--output", folder / "evaluation"]


@hostile("a model folder")
def model(folder: Path, rng: random.Random) -> list[object]:
    """A model that is broken, or odd."""
    changes = [change for change, _ in hostile_models.BROKEN.values()]
    change = rng.choice([*changes, *hostile_models.ODD.values()])
    return _eval(hostile_models.make_model(folder / "model", change), folder)


@hostile("a chat template")
def template(folder: Path, rng: random.Random) -> list[object]:
    """A template that fails, makes nothing, or tries to leave its sandbox."""
    kinds = (hostile_templates.FAILING, hostile_templates.UNUSABLE)
    texts = [*(text for kind in kinds for text in kind.values()), *hostile_templates.ESCAPES]
    change = hostile_models.set_template(rng.choice(texts))
    return _eval(hostile_models.make_model(folder / "model", change), folder)
