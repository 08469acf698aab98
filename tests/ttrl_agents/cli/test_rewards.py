"""`ttrl rewards`: every reward in a table, and all of one."""

from importlib.metadata import EntryPoint

import pytest

from ttrl_agents.cli.entry import main
from ttrl_benchmarks import plugins
from ttrl_env.consensus import REWARDS, register_estimator, registry, unregister_estimator


@pytest.fixture(autouse=True)
def _wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")


def test_every_reward_is_listed_with_its_paper_and_needs(capsys):
    assert main(["rewards"]) == 0
    listed = capsys.readouterr().out
    for name, entry in REWARDS.items():
        (row,) = [line for line in listed.splitlines() if line.split()[:1] == [name]]
        assert entry.card.summary in row
        assert entry.card.paper in row
        for need in entry.card.needs:
            assert need in row
    assert '"majority + 0.1*format_only"' in listed


def test_one_reward_is_told_in_full(capsys):
    assert main(["rewards", "restrain"]) == 0
    told = capsys.readouterr().out
    assert "arXiv 2510.02172" in told
    assert "options: centre=1.0, sigma=0.5, min_votes=3" in told
    assert "When not to use it" in told
    assert main(["rewards", "restrian"]) == 1
    assert "Did you mean 'restrain'" in capsys.readouterr().err


def test_what_is_inside_a_reward_counts_in_what_is_told_of_it(capsys):
    assert main(["rewards", "held(inner=scrl)"]) == 0
    told = capsys.readouterr().out
    assert "made of: scrl" in told
    assert "needs: token statistics" in told
    assert "of its own" not in told
    assert main(["rewards", "majority + 0.1*format_only"]) == 0
    told = capsys.readouterr().out
    assert "made of: majority, format_only" in told
    assert "options:" not in told
    for name, brought in (("guard", "advantages, weights"), ("held(inner=ddrl)", "advantages")):
        assert main(["rewards", name]) == 0
        assert f"brings: {brought} of its own" in capsys.readouterr().out


def test_rewards_of_others_are_listed_and_broken_ones_named(capsys, monkeypatch):
    broken = EntryPoint("torn", "no_such_module_anywhere:Torn", registry.ENTRY_POINTS)
    monkeypatch.setattr(plugins, "entry_points", lambda *, group: [broken])
    REWARDS.forget_installed()
    register_estimator("mine", REWARDS["majority"].factory, summary="[bold]odd[/bold] words")
    try:
        assert main(["rewards"]) == 0
        listed = capsys.readouterr().out
    finally:
        unregister_estimator("mine")
        monkeypatch.undo()
        REWARDS.forget_installed()
    assert "[bold]odd[/bold] words (from ttrl_env)" in listed
    assert "Reward 'torn' of the installed package" in listed
    assert "majority" in listed
