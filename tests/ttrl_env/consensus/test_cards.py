"""What a reward says that it needs: of its class, of an estimator, and of what is inside it."""

from __future__ import annotations

import pytest
from env_fakes import sums

from ttrl_env.consensus import (
    CoRewarding,
    DeepConf,
    EntropyShaped,
    HeldVote,
    Majority,
    Oracle,
    Scope,
    SelfCertainty,
    VerifierWeighted,
    WeightedSum,
)
from ttrl_env.consensus.cards import KINDS, NEEDS, OWN_REWARDS, needs_of


@pytest.mark.parametrize(
    ("reward", "needs"),
    [
        (Majority, ()),
        (Oracle, ("labels",)),
        (SelfCertainty(), ("token statistics",)),
        (VerifierWeighted(), ("verifier",)),
        (DeepConf, ("token statistics",)),  # it may
        (DeepConf(measure="probability"), ("log-probs",)),
        (HeldVote(Scope(measure="probability")), ("log-probs",)),
        (WeightedSum(((1.0, Majority()), (0.5, Scope(measure="probability")))), ("log-probs",)),
        (EntropyShaped(mode="clip"), ()),
        (EntropyShaped(SelfCertainty(), mode="clip"), ("token statistics",)),
        (HeldVote, ()),
        (HeldVote(Oracle(sums())), ("labels",)),
        (WeightedSum(((1.0, Majority()), (0.5, Oracle(sums())))), ("labels",)),
        (HeldVote(EntropyShaped(CoRewarding())), ("token statistics", "two prompts")),
        (lambda ballot: None, ()),
    ],
)
def test_needs_are_read_from_the_reward_itself(reward: object, needs: tuple[str, ...]) -> None:
    assert needs_of(reward) == needs


def test_every_reward_of_the_package_is_in_the_file_of_its_name() -> None:
    for name, entry in OWN_REWARDS.items():
        assert entry.card.name == name
        assert entry.factory.__module__ == f"ttrl_env.consensus.rewards.{name}"
        assert entry.card.kind in KINDS
        assert set(entry.card.needs) <= set(NEEDS)
