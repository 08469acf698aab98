"""EVOL-RL: the majority is rewarded, and within each side what is unlike the others.

- `EvolRL`: the reward.
- `word_vectors`: how alike two texts are by their words, without a model.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from ttrl_env.consensus.ballot import Ballot
from ttrl_env.consensus.cards import reward
from ttrl_env.consensus.rewards.common import Floats, elect, exact_mean
from ttrl_env.consensus.verdict import Verdict

__all__ = ["EvolRL", "word_vectors"]

Embed = Callable[[Sequence[str]], npt.NDArray[Any]]

_BUCKETS = 2**14
_WORD = re.compile(r"\w+|[^\w\s]")
_ABSENT = -1.0


def word_vectors(texts: Sequence[str]) -> npt.NDArray[np.float64]:
    """Returns how often each word and each pair of words occurs in each text.

    Words are hashed into buckets, so that the size is bounded whatever the texts are.

    Returns:
        Shape (number of texts, 16384).
    """
    vectors = np.zeros((len(texts), _BUCKETS))
    for row, text in zip(vectors, texts, strict=True):
        words = _WORD.findall(text.lower())
        for feature in (*words, *(f"{one} {other}" for one, other in pairwise(words))):
            row[zlib.crc32(feature.encode("utf-8", "surrogatepass")) % _BUCKETS] += 1
    return vectors


@reward(
    "evol_rl",
    summary="agreement with the majority, more where the reasoning is unlike the others'",
    paper="2509.15194",
)
@dataclass(frozen=True)
class EvolRL:
    """Rewards the majority with 0.5 to 1, others with -1 to -0.5; the novel ones of each get more.

    Of the completions that have an answer, the novelty of each is

    u_i = 1 - (mean similarity to the others of its side + greatest similarity to any other) / 2,

    where a side is all that agree with the most frequent answer, or all that do not. Within each
    side u is stretched to [0, 1], and

    r_i = 0.5 + 0.5 u_i for the majority, r_i = -1 + 0.5 u_i for the other answers.

    Where all of a side are equally novel, r is 0.75 or -0.75; a side of one gets 1 or -0.5; an
    absent answer gets -1 and has no part in the comparison.

    Source: EVOL-RL, arXiv 2509.15194; checked in the authors' code. They compare embeddings of
    Qwen3-Embedding-4B. Here the similarity is the cosine of the counts of words and pairs of words
    (`word_vectors`), which needs no model, or of what `embed` returns; and the answer itself is cut
    out of the text, so that only how it was reached is compared. Their training also clips
    asymmetrically and has a bonus for entropy, which are options of the algorithm. There a single
    answer among absent ones gets -1 as they do; here it is the majority, and gets 1.

    When not to use it: on short completions, whose words say little, and where a model could earn
    novelty by padding its text.

    Args:
        embed: Texts to vectors, shape (number of texts, any length); by default `word_vectors`.
    """

    embed: Embed | None = None

    def __post_init__(self) -> None:
        if self.embed is not None and not callable(self.embed):
            raise ValueError(
                f"embed must be callable, (texts) -> vectors, not {self.embed!r}; it cannot be "
                "given as text"
            )

    def __call__(self, ballot: Ballot) -> Verdict:
        """Rewards one group."""
        winner = elect(ballot.counts)
        if winner is None:
            return Verdict.abstaining(ballot, reward=_ABSENT)
        rewards = np.full(ballot.size, _ABSENT)
        members = np.flatnonzero(ballot.answered)
        agree = ballot.classes[members] == winner
        similarity = self._similarity([_reasoning(ballot, each) for each in members.tolist()])
        novelty = _novelty(similarity, agree)
        for side, low, alone in ((agree, 0.5, 1.0), (~agree, -1.0, -0.5)):
            if side.sum() == 1:
                rewards[members[side]] = alone
            elif side.any():
                rewards[members[side]] = low + 0.5 * _stretched(novelty[side])
        return Verdict(rewards, pseudo_label=winner)

    def _similarity(self, texts: Sequence[str]) -> Floats:
        """The cosine of each two texts, 0 where it is negative."""
        vectors = np.asarray((self.embed or word_vectors)(texts), dtype=np.float64)
        if vectors.ndim != 2 or len(vectors) != len(texts) or not np.isfinite(vectors).all():
            raise ValueError(
                f"embed must return one finite vector for each of {len(texts)} texts, not an array "
                f"of shape {vectors.shape}"
            )
        products = vectors @ vectors.T
        squares = np.diag(products)
        sizes = np.sqrt(squares[:, None] * squares[None, :])
        cosines = np.divide(products, sizes, out=np.zeros_like(products), where=sizes > 0)
        # Two texts without a word are alike.
        cosines[(squares[:, None] == 0) & (squares[None, :] == 0)] = 1.0
        return np.clip(cosines, 0.0, 1.0)


def _reasoning(ballot: Ballot, member: int) -> str:
    """The completion without its answer, and without its thoughts where they are marked."""
    text, found = ballot.texts[member], ballot.extractions[member]
    return (text[: found.start] + text[found.stop :]).rpartition("</think>")[2]


def _novelty(similarity: Floats, agree: npt.NDArray[np.bool_]) -> Floats:
    number = len(similarity)
    novelty = np.zeros(number)
    if number == 1:
        return novelty
    for each in range(number):
        others = np.arange(number) != each
        mates = others & (agree == agree[each])
        near = similarity[each, mates if mates.any() else others]
        novelty[each] = 1 - (exact_mean(near) + similarity[each, others].max()) / 2
    return novelty


def _stretched(values: Floats) -> Floats:
    """The values from 0 to 1; a half where all are equal."""
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else np.full(len(values), 0.5)
