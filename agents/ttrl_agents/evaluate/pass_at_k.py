"""The unbiased pass@k.

- `pass_at_k`: from n completions, of which c are right.
"""

from __future__ import annotations

import math

__all__ = ["pass_at_k"]


def pass_at_k(n: int, c: int, k: int) -> float:
    """Returns the chance that k of n completions, drawn without replacement, hold a right one.

    1 - C(n - c, k) / C(n, k), which over new draws of the n completions is an unbiased estimate
    of the chance that k completions hold a right one; 1 - (1 - c/n)^k is not. Source: Chen et
    al., arXiv 2107.03374, equation 1.

    Args:
        n: Completions.
        c: The right ones among them.
        k: Tries, from 1 to n.

    Raises:
        ValueError: The numbers do not fit together.

    >>> pass_at_k(4, 1, 1), pass_at_k(4, 1, 2), pass_at_k(4, 1, 4)
    (0.25, 0.5, 1.0)
    """
    if not 0 <= c <= n or not 1 <= k <= n:
        raise ValueError(f"of n={n} completions, c={c} cannot be right and k={k} be drawn")
    return (math.comb(n, k) - math.comb(n - c, k)) / math.comb(n, k)
