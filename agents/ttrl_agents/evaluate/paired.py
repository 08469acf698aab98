"""Whether two measurements of the same questions differ.

- `sign_flip_p_value`: the exact paired permutation test.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["sign_flip_p_value"]


def sign_flip_p_value(differences: Sequence[int]) -> float:
    """Returns the two-sided p-value of the paired permutation test, exactly.

    If two policies are alike, each question's difference could as well have the other sign. The
    p-value is the share of all sign patterns whose sum is at least as far from 0 as the sum at
    hand. With differences of -1, 0 and 1 it is the exact McNemar (sign) test.

    Args:
        differences: One whole number a question, such as right completions of one policy less
            right completions of the other.

    >>> sign_flip_p_value([1, 1, 1, 1, 0]), sign_flip_p_value([2, -2, 3])
    (0.125, 0.75)
    """
    sizes = [abs(int(each)) for each in differences if each]
    observed = abs(sum(int(each) for each in differences))
    total = sum(sizes)
    # The distribution of the sum, one question after another: index i stands for i - reach.
    chances, reach = np.ones(1), 0
    for size in sizes:
        wider = np.zeros(2 * (reach + size) + 1)
        wider[: 2 * reach + 1] += 0.5 * chances
        wider[2 * size :] += 0.5 * chances
        chances, reach = wider, reach + size
    sums = np.abs(np.arange(-total, total + 1))
    return min(1.0, float(chances[sums >= observed].sum()))
