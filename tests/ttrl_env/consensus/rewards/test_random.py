"""The coin: fair, and a function of seed and visit."""

from __future__ import annotations

import numpy as np
import pytest
from env_fakes import boxed, vote

from ttrl_env.consensus import Random


def test_random_is_a_fair_coin_of_seed_and_visit() -> None:
    texts = [boxed(1)] * 50
    by_visit = [Random()(vote(texts, position=p)).rewards for p in range(40)]
    assert 0.45 < np.mean(by_visit) < 0.55
    assert len({rewards.tobytes() for rewards in by_visit}) == 40
    assert not np.array_equal(Random(seed=1)(vote(texts)).rewards, by_visit[0])
    assert Random(probability=1)(vote(texts)).rewards.all()
    with pytest.raises(ValueError, match=r"not 1\.5"):
        Random(probability=1.5)
