"""The pictures of the documentation are those that their scripts draw."""

import runpy
from pathlib import Path
from xml.etree import ElementTree as ET

import gymnasium as gym

import ttrl_env  # noqa: F401 - registers the environments

REPOSITORY = Path(__file__).parents[2]
LOOP = REPOSITORY / "docs/figures/loop.py"


def test_the_picture_of_the_loop_is_that_of_its_script():
    drawn = runpy.run_path(str(LOOP))["picture"]()
    assert drawn == (REPOSITORY / "docs/images/loop.svg").read_text(encoding="utf-8")


def test_the_picture_of_the_loop_shows_the_question_that_its_answers_are_for():
    env = gym.make("TTRL-Arithmetic-v0", group_size=2)
    prompt, _ = env.reset(seed=0)
    root = ET.fromstring(runpy.run_path(str(LOOP))["picture"]())  # noqa: S314 - our own
    words = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    start = words.index("Omar saves 8 dollars")
    assert prompt.startswith(" ".join(words[start : start + 2]))
    assert words.count("37") == 12  # ten completions, the tally and the pseudo-label
    assert words.count("1") == 11  # ten rewards, and the one vote without an answer
