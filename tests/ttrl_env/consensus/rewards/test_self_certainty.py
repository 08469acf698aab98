"""Self-certainty: the mean over tokens, without a vote."""

from __future__ import annotations

from env_fakes import vote_of

from ttrl_env.consensus import SelfCertainty


def test_self_certainty_is_the_mean_over_tokens() -> None:
    ballot = vote_of([1, 2, -1], self_certainties=[[5.0, 7.0], [4.0], [9.0]])
    verdict = SelfCertainty()(ballot)
    assert verdict.rewards.tolist() == [6, 4, 0]
    assert verdict.pseudo_label is None
