"""Rewards by name: built in, spelled with options, registered, and brought by packages."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from env_fakes import sums

import ttrl_env  # noqa: F401 - registers the environments
from ttrl_benchmarks import Benchmark, UnknownNameError, plugins
from ttrl_env.consensus import (
    REWARDS,
    Ballot,
    EntropyShaped,
    HeldVote,
    Majority,
    Random,
    RewardCard,
    RewardEntry,
    RewardError,
    SoftMajority,
    Verdict,
    find_reward,
    register_estimator,
    registry,
    resolve_estimator,
    reward_needs,
    unregister_estimator,
)


class Shortest:
    """Pays the shortest completions.

    Args:
        pay: What they are paid.
    """

    def __init__(self, pay: float = 1.0) -> None:
        self.pay = pay

    def __call__(self, ballot: Ballot) -> Verdict:
        return Verdict(self.pay * (ballot.lengths == ballot.lengths.min()), None)


ENTRY = RewardEntry(RewardCard("carded", "with a card of its own", "1234.56789"), Shortest)
NO_REWARD = 7


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if packages with these entry points were installed."""
    points = [
        EntryPoint("shortest", f"{__name__}:Shortest", registry.ENTRY_POINTS),
        EntryPoint("carded", f"{__name__}:ENTRY", registry.ENTRY_POINTS),
        EntryPoint("broken", "no_such_module_anywhere:Reward", registry.ENTRY_POINTS),
        EntryPoint("seven", f"{__name__}:NO_REWARD", registry.ENTRY_POINTS),
    ]

    def found(*, group: str) -> list[EntryPoint]:
        assert group == "ttrl_env.estimators"
        return points

    monkeypatch.setattr(plugins, "entry_points", found)
    REWARDS.forget_installed()
    yield
    REWARDS.forget_installed()


def test_names_and_estimators_are_resolved() -> None:
    assert resolve_estimator("majority", sums()) == Majority()
    mine = Majority()
    assert resolve_estimator(mine, sums()) is mine
    with pytest.raises(UnknownNameError, match="Did you mean 'majority'"):
        resolve_estimator("majorty", sums())
    for wrong in (7, Majority):
        with pytest.raises(TypeError, match=r"a name or a callable \(Ballot\) -> Verdict"):
            resolve_estimator(wrong, sums())  # type: ignore[arg-type]


def test_options_are_spelled_in_brackets() -> None:
    spelled = resolve_estimator(" majority( min_ratio=0.3,tie='abstain' ) ", sums())
    assert spelled == Majority(min_ratio=0.3, tie="abstain")
    assert resolve_estimator("majority()", sums()) == Majority()
    held = resolve_estimator("held(inner=majority(tie=share, min_votes=2), every=7)", sums())
    assert held == HeldVote(Majority(tie="share", min_votes=2), every=7)
    deep = resolve_estimator("entropy_shaped(inner=held(inner=soft_majority),mode=clip)", sums())
    assert deep == EntropyShaped(HeldVote(SoftMajority()), "clip")


@pytest.mark.parametrize(
    ("spelled", "message"),
    [
        ("majority(ties=first)", r"option of reward 'majority' 'ties'.*mean 'tie'.*min_ratio"),
        (
            "majority(tie=last)",
            r"tie must be one of first, abstain, share, not 'last'.*min_votes=0",
        ),
        ("majority(min_ratio=2)", "min_ratio must be a number from 0 to 1, not 2"),
        ("majority(min_ratio=half)", "min_ratio must be a number from 0 to 1, not 'half'"),
        ("majority(0.3)", "'0.3' is not of the form option=value; write it like"),
        ("majority(tie=first, tie=share)", "option tie twice"),
        ("majority(min_ratio=0.3", "cannot be read"),
        ("majority(min_ratio=(0.3)", "cannot be read"),
        ("majority(tie='first)", "cannot be read"),
        ("majority(min_ratio=0.1+__import__('os').getpid())", "is not a value"),
        ("majority(min_ratio=[].__class__)", "is not a value"),
        ("held(inner=majorty)", "Did you mean 'majority'"),
        ("held(inner=7)", "not 7"),
        ("co_rewarding(scale_by_std=0)", "scale_by_std must be true or false, not 0"),
        ("verified(verifier=python)", "verifier must be callable"),
        ("oracle(labels=1)", r"Unknown option of reward 'oracle' 'labels'.*Known: none"),
        ("", "cannot be read"),
        ("majority(min-ratio=0.3)", "is not of the form option=value"),
        ("majority(**{'tie': 'first'})", "is not of the form option=value"),
        ("majority(tie=first).tie", "cannot be read"),
        ("held(inner=" * 300 + ")" * 300, "cannot be read"),
    ],
)
def test_what_is_misspelled_is_named_with_the_way_out(spelled: str, message: str) -> None:
    with pytest.raises((RewardError, UnknownNameError), match=message):
        resolve_estimator(spelled, sums())


def test_a_spelled_reward_is_checked_without_being_made() -> None:
    entry, options = find_reward("held(inner=majority(tie=share), every=2)")
    assert entry.card.name == "held"
    assert options == {"inner": "majority(tie=share)", "every": 2}
    with pytest.raises(UnknownNameError, match="option of reward 'majority' 'ties'"):
        find_reward("held(inner=majority(ties=share))")


def test_a_reward_needs_what_the_one_inside_it_needs() -> None:
    assert reward_needs("majority") == frozenset()
    assert reward_needs("held(inner=self_harmony)") == {"two prompts"}
    assert reward_needs("entropy_shaped(inner=held(inner=co_rewarding))") == {
        "token statistics",
        "two prompts",
    }

    class Sure(Shortest):
        needs_token_statistics = True

    register_estimator("sure", Sure, summary="sure")
    try:
        assert reward_needs("sure") == {"token statistics"}
    finally:
        unregister_estimator("sure")


@pytest.mark.parametrize("vectorized", [True, False])
def test_environments_take_names_spellings_and_objects(vectorized: bool) -> None:
    for reward in ("soft_majority", "soft_majority(min_ratio=0.1)", SoftMajority()):
        texts = [r"\boxed{1}", r"\boxed{1}", r"\boxed{2}", ""]
        if vectorized:
            envs = gym.make_vec("TTRL-Arithmetic-v0", num_envs=4, group_size=4, reward=reward)
            envs.reset(seed=0)
            rewards = envs.step(texts)[1]
        else:
            env = gym.make("TTRL-Arithmetic-v0", group_size=4, reward=reward)
            env.reset(seed=0)
            for text in texts:
                *_, info = env.step(text)
            rewards = info["rewards"]
        np.testing.assert_array_equal(rewards, [0.5, 0.5, 0.25, 0])


def test_a_reward_can_be_registered_and_taken_back() -> None:
    register_estimator("shortest", Shortest, paper="1234.5", needs=("verifier",))
    try:
        entry = REWARDS["shortest"]
        assert entry.card == RewardCard(
            "shortest", "Pays the shortest completions", "1234.5", ("verifier",)
        )
        assert entry.describe_options() == "pay=1.0"
        made = resolve_estimator("shortest(pay=2)", sums())
        assert isinstance(made, Shortest)
        assert made.pay == 2
        with pytest.raises(RewardError, match="a reward named 'shortest' already"):
            register_estimator("shortest", Shortest)
    finally:
        unregister_estimator("shortest")
    assert "shortest" not in REWARDS
    for name in ("shortest", "majority"):  # gone already; and not registered
        with pytest.raises(UnknownNameError, match=f"registered reward '{name}'"):
            unregister_estimator(name)
    assert "majority" in REWARDS


def test_a_factory_is_handed_the_benchmark_where_it_asks() -> None:
    asked = []

    def make(benchmark: Benchmark, every: int = 3) -> HeldVote:
        asked.append(benchmark.name)
        return HeldVote(every=every)

    register_estimator("mine", make, summary="mine")
    try:
        assert list(REWARDS["mine"].options) == ["every"]
        assert resolve_estimator("mine(every=5)", sums()) == HeldVote(every=5)
    finally:
        unregister_estimator("mine")
    assert asked == ["sums"]


def test_a_factory_sees_labels_only_if_its_card_says_that_it_needs_them() -> None:
    seen = []

    class Peeping(Shortest):
        def __init__(self, benchmark: Benchmark) -> None:
            super().__init__()
            seen.append(len(benchmark.labels))

    class Honest(Peeping):
        needs_labels = True

    register_estimator("peeping", Peeping)
    register_estimator("honest", Honest)
    register_estimator("asking", Peeping, needs=("labels",))
    try:
        for name in ("peeping", "honest", "asking"):
            resolve_estimator(f"held(inner={name})", sums())
            assert ("labels" in reward_needs(f"held(inner={name})")) == (name != "peeping")
    finally:
        for name in ("peeping", "honest", "asking"):
            unregister_estimator(name)
    assert seen == [0, 5, 5]


@pytest.mark.parametrize("name", ["", "two words", "a(b)", "7", "majority"])
def test_names_that_cannot_be_spelled_or_are_taken_are_refused(name: str) -> None:
    with pytest.raises(RewardError):
        register_estimator(name, Shortest)


def test_what_is_no_factory_or_no_need_is_refused() -> None:
    with pytest.raises(RewardError, match="must be callable, not 7"):
        register_estimator("mine", 7)  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="need of a reward"):
        register_estimator("mine", Shortest, needs=("luck",))
    for reward in (Shortest(), lambda ballot: Verdict(np.zeros(ballot.size), None)):
        with pytest.raises(RewardError, match=r"'mine' must make an estimator.*Give its class"):
            register_estimator("mine", reward)  # type: ignore[arg-type]


def test_installed_packages_bring_rewards(installed: None) -> None:
    assert {"majority", "shortest", "carded", "broken"} <= set(REWARDS)
    assert len(REWARDS) == len(list(REWARDS))
    made = resolve_estimator("shortest(pay=0.5)", sums())
    assert isinstance(made, Shortest)
    assert REWARDS["shortest"].card.summary == "Pays the shortest completions"
    assert REWARDS["shortest"].source == f"{__name__}:Shortest"
    assert REWARDS["carded"].card.paper == "1234.56789"


def test_a_broken_package_is_named_and_stands_in_nobodys_way(installed: None) -> None:
    with pytest.raises(RewardError, match=r"'broken' of the installed package.*ModuleNotFound"):
        resolve_estimator("broken", sums())
    with pytest.raises(RewardError, match=r"'seven' of the installed package.*is 7"):
        resolve_estimator("seven", sums())
    assert resolve_estimator("majority", sums()) == Majority()
    with pytest.raises(UnknownNameError, match="broken"):  # among the known names
        resolve_estimator("brokn", sums())


def test_a_package_on_the_path_is_found_by_its_metadata(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "brief_rewards.py").write_text(
        "from ttrl_env.consensus import Verdict\n\n\n"
        "class Brief:\n"
        '    """Pays what is brief."""\n\n'
        "    def __init__(self, longest: int = 9):\n"
        "        self.longest = longest\n\n"
        "    def __call__(self, ballot):\n"
        "        return Verdict((ballot.lengths <= self.longest) * 1.0, None)\n"
    )
    metadata = tmp_path / "brief_rewards-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: brief-rewards\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[ttrl_env.estimators]\nbrief = brief_rewards:Brief\nrandom = brief_rewards:Brief\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    REWARDS.forget_installed()
    try:
        with pytest.warns(
            UserWarning, match=r"named 'random' already.*'brief-rewards' is left out"
        ):
            assert "brief" in REWARDS
        entry = REWARDS["brief"]
        assert (entry.source, entry.card.summary) == ("brief-rewards", "Pays what is brief")
        envs = gym.make_vec(
            "TTRL-Arithmetic-v0", num_envs=2, group_size=2, reward="brief(longest=3)"
        )
        envs.reset(seed=0)
        assert envs.step(["123", "1234"])[1].tolist() == [1, 0]
        assert resolve_estimator("random", sums()) == Random()
    finally:
        monkeypatch.undo()
        REWARDS.forget_installed()


def test_the_names_are_no_ones_to_change() -> None:
    with pytest.raises(TypeError):
        REWARDS["mine"] = ENTRY  # type: ignore[index]
    assert "nothing" not in REWARDS
    with pytest.raises(KeyError):
        REWARDS["nothing"]
