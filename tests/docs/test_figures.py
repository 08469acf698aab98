"""The pictures of the documentation are those that their scripts draw."""

from __future__ import annotations

import ast
import importlib
import itertools
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree as ET

import gymnasium as gym
import numpy as np
import pytest
from doc_pages import REPOSITORY, pages
from PIL import Image

import ttrl_env  # noqa: F401 - registers the environments

FIGURES = REPOSITORY / "docs/figures"
IMAGES = REPOSITORY / "docs/images"
DRAWN = sorted(file.stem for file in FIGURES.glob("*.py") if (IMAGES / f"{file.stem}.svg").exists())
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


@pytest.fixture(autouse=True)
def figures_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FIGURES))


def figure(name: str) -> Any:
    return importlib.import_module(name)


@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_is_that_of_its_script(name: str) -> None:
    drawn = figure(name).picture()
    kept = (IMAGES / f"{name}.svg").read_text(encoding="utf-8")
    assert NUMBER.sub("N", drawn) == NUMBER.sub("N", kept)
    pairs = zip(NUMBER.findall(drawn), NUMBER.findall(kept), strict=True)
    assert all(abs(float(one) - float(other)) <= 0.15 for one, other in pairs)  # one decimal place


@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_can_be_read_on_a_telephone(name: str) -> None:
    root = ET.fromstring((IMAGES / f"{name}.svg").read_text(encoding="utf-8"))  # noqa: S314 - our own
    assert root.findtext("{*}title")
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for text in root.iter("{http://www.w3.org/2000/svg}text"):
        assert float(text.attrib["font-size"]) * 350 / width >= 9, text.text
        assert 0 <= float(text.attrib["x"]) <= width, text.text
        assert 0 <= float(text.attrib["y"]) <= height, text.text


def test_every_picture_is_on_a_page_with_words_for_who_does_not_see_it() -> None:
    shown: set[str] = set()
    for page in pages():
        for words, name in re.findall(
            r"!\[([^\]]*)\]\([^)]*images/([^)]+)\)", page.read_text("utf-8")
        ):
            assert len(words.split()) >= 3, f"{page.name}: {name}"
            shown.add(name)
    assert {file.name for file in IMAGES.iterdir()} <= shown


def test_the_picture_of_a_vote_is_what_the_environment_renders() -> None:
    with Image.open(IMAGES / "vote.png") as kept:
        pixels = np.asarray(kept.convert("RGB")).astype(int)
    drawn = figure("vote").picture().astype(int)
    assert np.abs(pixels - drawn).mean() < 1  # a palette of 64 colours


def test_the_picture_of_the_loop_shows_the_question_that_its_answers_are_for() -> None:
    env = gym.make("TTRL-Arithmetic-v0", group_size=2)
    prompt, _ = env.reset(seed=0)
    loop = figure("loop")
    beginning, end = " ".join(loop.QUESTION).split(" … ")
    assert prompt.startswith(beginning)
    assert end in prompt
    rewards, winner = loop.play()
    assert winner == "37"
    assert sum(rewards) == loop.ANSWERS.count("37") == 10


def test_the_chances_of_the_curve_are_those_of_votes_that_are_drawn() -> None:
    maj_at = figure("votes_curve").maj_at
    rng = np.random.default_rng(0)
    for n, shares in itertools.product((3, 8), ((0.4, 0.5, 0.1), (0.4, 0.3, 0.2, 0.1))):
        counts = rng.multinomial(n, shares, size=40_000)
        first = counts[:, 0] == counts.max(axis=1)
        tied = (counts == counts.max(axis=1, keepdims=True)).sum(axis=1)
        assert maj_at(n, shares) == pytest.approx((first / tied).mean(), abs=0.01)


def test_all_algorithms_push_alike_at_ratio_one_and_the_clip_stops_some() -> None:
    push = figure("clip").push
    for name in figure("clip").DRAWN:
        assert push(name, 1.0, 1.0) == pytest.approx(1.0)
        assert push(name, 1.0, -1.0) == pytest.approx(-1.0)
    assert push("grpo", 1.25, 1.0) == 0 < push("dapo", 1.25, 1.0)
    assert push("grpo", 1.25, -1.0) < 0 == push("grpo", 0.7, -1.0)


def test_the_weights_of_the_tokens_are_those_of_the_aggregations() -> None:
    weights = figure("aggregation").weights
    assert weights("token").sum() == pytest.approx(1)
    assert weights("sequence").sum(dim=1).tolist() == pytest.approx([1 / 3] * 3)
    assert weights("fixed").max() == pytest.approx(1 / 48)


def test_the_calls_of_the_autoreset_modes_are_drawn_as_they_were() -> None:
    module = figure("autoreset")
    same, following, disabled = (module.play(mode) for mode, _, _ in module.MODES)
    assert [call.rewards is None for call in same] == [True, False, False, False]
    assert [call.rewards is None for call in following] == [True, False, True, False]
    assert [call.name for call in disabled] == ["reset", "step", "reset", "step"]
    assert same[1].prompts[0] != same[0].prompts[0]
    assert following[1].prompts == following[0].prompts


def test_the_false_consensus_was_right_first_and_ends_wrong() -> None:
    recorded = json.loads(figure("false_consensus").RECORDED.read_text(encoding="utf-8"))
    first, *_, last = recorded["visits"]
    assert max(first["votes"], key=first["votes"].get) == recorded["label"]
    winner = max(last["votes"], key=last["votes"].get)
    assert winner != recorded["label"]
    assert last["votes"][winner] >= 12


def imports_of(package: str, folder: Path) -> set[str]:
    names: set[str] = set()
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.split(".")[0])
            elif isinstance(node, ast.Import):
                names.update(alias.name.split(".")[0] for alias in node.names)
    return names - {package}


def test_the_arrows_between_packages_are_the_imports_of_the_source() -> None:
    module: ModuleType = figure("packages")
    names = {name for name, _, _ in module.PACKAGES}
    found = {
        (path.name, imported)
        for path in (
            REPOSITORY / "benchmarks/ttrl_benchmarks",
            REPOSITORY / "ttrl_env",
            REPOSITORY / "agents/ttrl_agents",
        )
        for imported in imports_of(path.name, path) & names
    }
    assert found == set(module.ARROWS)
