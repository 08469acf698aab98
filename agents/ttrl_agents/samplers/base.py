"""The protocol of samplers, and the random numbers behind completions.

- `SamplingParams`: temperature, top-p and where completions end.
- `Sampler`: the protocol.
- `Progress`: what a sampler calls meanwhile; `CompletionProgress` also hears which completions are
  finished, from `report_finished`.
- `PartSeeds`: the seeds of a part of a call, which draws what it would in the whole call.
- `uniform_draws`: those random numbers.
- `request_seeds`: the seeds of engines that take one for all completions of a prompt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from ttrl_env.completion import Completion

__all__ = [
    "CompletionProgress",
    "PartSeeds",
    "Progress",
    "Sampler",
    "SamplingParams",
    "report_finished",
    "request_seeds",
    "uniform_draws",
]

Progress = Callable[[int], None]
"""Called with the number of tokens sampled since the last call."""


@runtime_checkable
class CompletionProgress(Protocol):
    """A `Progress` that is also told which completions are finished."""

    def __call__(self, tokens: int, /) -> None:
        """Counts new tokens."""
        ...

    def finished(self, places: Sequence[int]) -> None:
        """Notes completions that are finished, by their places among the prompts, each once."""
        ...


def report_finished(progress: Progress | None, places: Sequence[int]) -> None:
    """Reports completions that are finished, if anybody listens.

    A sampler need not report them; then they count as finished when its call returns.

    Args:
        progress: What the sampler was given.
        places: Their places among the prompts of the call.
    """
    if places and isinstance(progress, CompletionProgress):
        progress.finished(places)


@dataclass(frozen=True)
class SamplingParams:
    """The parameters of sampling.

    Attributes:
        max_tokens: The most tokens that one completion may have, the end-of-text token included.
        temperature: Divides the logits; 0 takes the likeliest token.
        top_p: Only the likeliest tokens that together reach this probability are sampled; 1 means
            all.
        token_statistics: Whether completions come with the entropy and the self-certainty of each
            token's distribution, for rewards that use the model's confidence.
        stop_at_box: Whether a completion also ends with the token that closes the box of its
            answer (see `samplers.box_stop`); it then has no end-of-text token, and is finished.

    Raises:
        ValueError: A value is out of its range.
    """

    max_tokens: int
    temperature: float = 1.0
    top_p: float = 1.0
    token_statistics: bool = False
    stop_at_box: bool = False

    def __post_init__(self) -> None:
        if self.max_tokens < 1:
            raise ValueError(f"max_tokens must be 1 or more, not {self.max_tokens}")
        if not self.temperature >= 0:
            raise ValueError(f"temperature must be 0 or more, not {self.temperature}")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p must be in (0, 1], not {self.top_p}")


class Sampler(Protocol):
    """Samples completions of prompts.

    Attributes:
        copies_weights: Whether it samples from a copy of the policy's weights, which can be
            stale; a run then checks its log-probabilities against the policy's own.
    """

    copies_weights: bool

    def sample(
        self,
        prompts: Sequence[str],
        params: SamplingParams,
        *,
        seed: int | Sequence[int],
        progress: Progress | None = None,
    ) -> list[Completion]:
        """Samples one completion of each prompt; equal prompts are sampled independently.

        Args:
            prompts: The environment's observations, one entry for each completion.
            params: The parameters of sampling.
            seed: The same seed, prompts and weights give the same completions. A sequence holds a
                seed for each completion, which then does not depend on the others in the call.
            progress: Called with the number of new tokens during sampling.

        Returns:
            The completions, in the order of the prompts, with token ids and log-probabilities.
        """
        ...

    def sync(self) -> None:
        """Copies the policy's weights; called after every update."""
        ...

    def rest(self) -> None:
        """Releases what only sampling needs; called before the policy learns."""
        ...

    def metrics(self) -> dict[str, float]:
        """Returns the counters of the sampler over a run, e.g. restarts."""
        ...

    def close(self) -> None:
        """Releases the resources of the sampler."""
        ...


class PartSeeds(tuple[int, ...]):
    """The seeds of a part of a call, which draws what it would in the whole call.

    It is a sequence with a seed for each completion of the part. A sampler that knows nothing of
    parts takes it for one, and draws the same wherever the call is cut.

    Args:
        seed: The seed of the whole call.
        prompts: The prompts of the whole call.
        places: Which of its completions are in the part.

    Attributes:
        whole: The seed of the whole call.
        places: Which of its completions are in the part.
        requests: What an engine adds the place in its request to, for each completion (see
            `request_seeds`).

    >>> import numpy as np
    >>> part = PartSeeds(7, ["a", "a", "b", "b"], range(1, 3))
    >>> np.array_equal(uniform_draws(part, 2, 5), uniform_draws(7, 4, 5)[1:3])
    True
    """

    whole: int | Sequence[int]
    places: Sequence[int]
    requests: Sequence[int]

    def __new__(
        cls, seed: int | Sequence[int], prompts: Sequence[str], places: Sequence[int]
    ) -> PartSeeds:
        """Finds the seeds of the part."""
        if isinstance(seed, (int, np.integer)):
            states = np.random.SeedSequence(int(seed)).generate_state(len(prompts), np.uint64)
            each = [int(states[i]) for i in places]
        else:
            each = [seed[i] for i in places]
        self = super().__new__(cls, each)
        members: dict[str, list[int]] = {}
        for i, prompt in enumerate(prompts):
            members.setdefault(prompt, []).append(i)
        found = dict(zip(members, request_seeds(seed, members.values()), strict=True))
        within = {i: k for group in members.values() for k, i in enumerate(group)}
        self.whole, self.places = seed, places
        self.requests = [found[prompts[i]] + within[i] for i in places]
        return self


def uniform_draws(
    seed: int | Sequence[int], completions: int, tokens: int
) -> npt.NDArray[np.float64]:
    """Returns a number in [0, 1) for each completion and position, shape (completions, tokens).

    Args:
        seed: One for all, or one for each completion.
        completions: How many completions are drawn.
        tokens: The most tokens of one.

    Raises:
        ValueError: The numbers of seeds and completions differ.
    """
    if isinstance(seed, (int, np.integer)):
        return np.random.default_rng(seed).random((completions, tokens))
    if len(seed) != completions:
        raise ValueError(f"{len(seed)} seeds for {completions} completions; give one for each")
    draws = np.empty((completions, tokens))
    if isinstance(seed, PartSeeds) and isinstance(seed.whole, (int, np.integer)):
        for row, place in zip(draws, seed.places, strict=True):
            # As far into the numbers of the whole call as its row begins.
            bits = np.random.PCG64(seed.whole).advance(place * tokens)
            np.random.Generator(bits).random(out=row)
        return draws
    for row, each in zip(draws, seed, strict=True):
        np.random.default_rng(each).random(out=row)
    return draws


def request_seeds(seed: int | Sequence[int], requests: Iterable[Sequence[int]]) -> list[int]:
    """Returns a seed for each request of an engine that samples all completions of a prompt.

    Such engines give completion i of a request seed + i, so the seeds of requests are far apart.

    Args:
        seed: One for all, or one for each completion; a request then takes that of its first.
        requests: The completions of each request, by their place.

    >>> request_seeds([4, 8, 12, 16], [[0, 1], [2, 3]])
    [1, 3]
    """
    if isinstance(seed, (int, np.integer)):
        states = (np.random.SeedSequence([seed, k]) for k, _ in enumerate(requests))
        return [int(state.generate_state(1, np.uint64)[0]) >> 2 for state in states]
    if isinstance(seed, PartSeeds):
        return [seed.requests[members[0]] for members in requests]
    return [seed[members[0]] >> 2 for members in requests]
