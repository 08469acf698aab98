"""The constant reward: nothing for anybody."""

from __future__ import annotations

from env_fakes import boxed, vote

from ttrl_env.consensus import Constant


def test_constant_pays_nobody() -> None:
    verdict = Constant()(vote([boxed(1), boxed(2)]))
    assert verdict.rewards.tolist() == [0, 0]
    assert not verdict.abstains
