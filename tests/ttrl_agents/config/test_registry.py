"""Tables by name: what registers, what installed packages add, and what goes wrong there."""

from importlib.metadata import EntryPoint

import pytest

from ttrl_agents.config import registry
from ttrl_agents.config.registry import Registry
from ttrl_agents.errors import AgentError
from ttrl_benchmarks import UnknownNameError


@pytest.fixture
def shapes(monkeypatch, tmp_path):
    """A table to which three installed modules say that they add."""
    (tmp_path / "registers_round.py").write_text(
        "import sys\nsys.modules['shapes_under_test'].register('round')(0)\n"
    )
    (tmp_path / "registers_nothing.py").write_text("")
    (tmp_path / "is_broken.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    table = Registry[int]("shape", "example.shapes")
    monkeypatch.setitem(__import__("sys").modules, "shapes_under_test", table)
    points = [
        EntryPoint("round", "registers_round", "example.shapes"),
        EntryPoint("oval", "registers_nothing", "example.shapes"),
        EntryPoint("bent", "is_broken", "example.shapes"),
    ]
    monkeypatch.setattr(registry, "entry_points", lambda *, group: points)
    table.register("square")(4)
    return table


def test_names_are_listed_without_importing_what_is_installed(shapes):
    assert list(shapes) == ["square", "round", "oval", "bent"]
    assert len(shapes) == 4
    assert "bent" in shapes
    assert shapes.registered == ("square",)


def test_an_installed_module_is_imported_when_its_name_is_looked_up(shapes):
    assert shapes.find("round") == 0
    assert shapes.registered == ("square", "round")


def test_a_module_that_does_not_register_its_name_says_so(shapes):
    with pytest.raises(AgentError, match="shape 'oval' of the installed module 'registers_nothing"):
        shapes.find("oval")


def test_a_broken_module_is_named_and_harms_no_other_name(shapes):
    with pytest.raises(AgentError, match=r"'bent'.*ZeroDivisionError"):
        shapes.find("bent")
    assert shapes.find("square") == 4


def test_an_unknown_name_lists_the_close_ones(shapes):
    with pytest.raises(UnknownNameError, match=r"Unknown shape 'squre'. Did you mean 'square'"):
        shapes.find("squre")
    with pytest.raises(KeyError):
        shapes["squre"]


def test_a_name_is_registered_once_and_can_be_taken_back(shapes):
    with pytest.raises(AgentError, match="already one shape named 'square'"):
        shapes.register("square")
    shapes.unregister("square")
    assert "square" not in shapes
    with pytest.raises(UnknownNameError, match="registered shape"):
        shapes.unregister("square")
