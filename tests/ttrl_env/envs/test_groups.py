"""Groups: whole ones, their members, and one value each."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttrl_env.envs.groups import Groups, check_halves

shapes = st.tuples(st.integers(1, 6), st.integers(1, 5))


@given(shapes)
def test_members_cover_the_batch_once_and_spread_is_their_inverse(shape: tuple[int, int]) -> None:
    count, size = shape
    groups = Groups(count * size, size)
    assert groups.count == len(list(groups)) == count
    envs = np.arange(groups.num_envs)
    assert np.concatenate([envs[members] for members in groups]).tolist() == envs.tolist()
    values = np.arange(count) * 10
    spread = groups.spread(values)
    assert groups.rows(spread).tolist() == [[value] * size for value in values]
    for k in range(count):
        assert set(spread[groups.members(k)].tolist()) == {values[k]}


@given(shapes, st.data())
def test_masks_and_seeds_of_whole_groups_are_read_and_split_ones_refused(
    shape: tuple[int, int], data: st.DataObject
) -> None:
    count, size = shape
    groups = Groups(count * size, size)
    chosen = np.array(data.draw(st.lists(st.booleans(), min_size=count, max_size=count)))
    chosen[0] = True
    assert groups.mask(groups.spread(chosen)).tolist() == chosen.tolist()
    assert groups.mask(None).all()
    seeds = list(range(count))
    assert groups.seeds(np.repeat(seeds, size).tolist()) == seeds
    assert groups.seeds(7) == [7] * count
    assert groups.seeds([None] * groups.num_envs) is None
    if size > 1:
        mask = np.ones(groups.num_envs, dtype=bool)
        mask[-1] = False
        with pytest.raises(ValueError, match=f"reset_mask splits group {count - 1}"):
            groups.mask(mask)
        with pytest.raises(ValueError, match="seed splits group 0"):
            groups.seeds(list(range(groups.num_envs)))
        with pytest.raises(ValueError, match="a seed for every sub-environment, or none"):
            groups.seeds([None] + [1] * (groups.num_envs - 1))


@pytest.mark.parametrize(
    ("num_envs", "size", "message"),
    [
        (6, 4, "6 is not a multiple of 4. Use num_envs=8"),
        (0, 4, "Use num_envs=4"),
        (4, 0, "group_size must be 1 or more, not 0"),
    ],
)
def test_parts_of_groups_are_refused_with_the_way_out(
    num_envs: int, size: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Groups(num_envs, size)


def test_only_even_groups_have_halves() -> None:
    check_halves(4)
    with pytest.raises(ValueError, match="group_size must be even, not 3"):
        check_halves(3)
