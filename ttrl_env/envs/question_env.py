"""The single environment: one question, asked once for each vote.

- `TTRLEnv`: the environment.
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

from ttrl_benchmarks import Benchmark, Question
from ttrl_env.answers import extract_answer
from ttrl_env.consensus import Estimator, Verdict, judge, resolve_estimator
from ttrl_env.envs.asking import (
    MAX_LENGTH,
    check_position,
    check_reset,
    fresh_seed,
    prompt_of,
    resolve_benchmark,
)
from ttrl_env.envs.groups import check_halves
from ttrl_env.envs.question_order import QuestionOrder
from ttrl_env.envs.rephrase import Rephrase, resolve_rephrase
from ttrl_env.envs.sealing import SealedBenchmark
from ttrl_env.rendering import RENDER_MODES, check_render_mode, render_view, view_vote
from ttrl_env.spaces import UnicodeText

__all__ = ["TTRLEnv"]


class TTRLEnv(SealedBenchmark, gym.Env[str, str]):
    """One question at a time, asked `group_size` times; the votes are counted at the end.

    The observation is the prompt, the action a completion. Every step but the last is rewarded
    with 0; the last with the mean consensus reward of the group, the paper's objective
    E[r(y, y*)] (arXiv 2504.16084, equation 2). `info` always holds `question_id`, `position` and
    `answer` (of the completion just given, or `None`); at the end also `rewards` (one for each
    vote, shape (group_size,), float64), `consensus` (the pseudo-label, or `None`),
    `majority_ratio` and `abstained`, and `advantages` and `advantage_weights` where the reward
    gives them (see `Verdict`). With `rephrase`, the second half of the votes is asked in other
    words, and `info["variant"]` says which wording the observation shows: 0 the publisher's, 1 the
    other.

    Args:
        benchmark: A benchmark, or the name of one.
        group_size: Votes on a question, 1 or more.
        reward: A label-free reward: a name such as `"majority"`, an estimator, or `None` for an
            environment that never rewards (for a `ConsensusReward` around several of them).
        max_length: The most characters of a prompt or a completion.
        slot: The place of this environment among `num_slots` that share one order of questions.
        num_slots: How many environments share the order.
        rephrase: The second wording of each question: a name such as `"arithmetic"`, the path of a
            JSON file of paraphrases by question id or text, such a mapping, or a function of the
            question's text; by default there is none.
        variant: With `rephrase` and `group_size=1`, the wording that this environment shows.
        render_mode: `"ansi"` for text, `"rgb_array"` for a picture of the vote, or `None`.
        **benchmark_options: Options of the named benchmark, e.g. `path` or `split`.

    Raises:
        BenchmarkError: The benchmark cannot be loaded.
        UnknownNameError: There is no such reward.
        ValueError: `group_size`, `slot`, `num_slots` or `variant` is out of range, a group cannot
            be halved, or there is no such render mode.
    """

    # Gymnasium declares it as an instance's own.
    metadata: dict[str, Any] = {"render_modes": list(RENDER_MODES), "render_fps": 2}  # noqa: RUF012
    observation_space: UnicodeText
    action_space: UnicodeText

    def __init__(
        self,
        benchmark: str | Benchmark,
        group_size: int = 16,
        reward: str | Estimator | None = "majority",
        *,
        max_length: int = MAX_LENGTH,
        slot: int = 0,
        num_slots: int = 1,
        rephrase: Rephrase | None = None,
        variant: int = 0,
        render_mode: str | None = None,
        **benchmark_options: Any,
    ) -> None:
        if group_size < 1:
            raise ValueError(f"group_size must be 1 or more, not {group_size}")
        if not 0 <= slot < num_slots:
            raise ValueError(f"slot must be from 0 to num_slots - 1 = {num_slots - 1}, not {slot}")
        labelled = resolve_benchmark(benchmark, benchmark_options, TTRLEnv)
        self.seal(labelled)
        self.group_size = group_size
        self._reword = resolve_rephrase(rephrase, self.benchmark)
        self._first_variant = _check_variant(variant, group_size, rephrased=rephrase is not None)
        self.estimator = None if reward is None else resolve_estimator(reward, labelled)
        self.render_mode = check_render_mode(render_mode)
        self.observation_space = UnicodeText(max_length)
        self.action_space = UnicodeText(max_length)
        self._slot, self._num_slots = slot, num_slots
        self._order: QuestionOrder | None = None
        self._position = slot
        self._completions: list[str] = []
        self._verdict: Verdict | None = None

    @property
    def question(self) -> Question:
        """The question that is being asked.

        Raises:
            RuntimeError: The environment was never reset.
        """
        if self._order is None:
            raise RuntimeError("call reset before anything else")
        return self.benchmark.questions[self._order[self._position]]

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[str, dict[str, Any]]:
        """Asks the next question.

        Args:
            seed: Starts the order of questions named by this seed; by default the order goes on.
            options: `{"position": p}` goes to a place in the order, counted from 0.

        Returns:
            The prompt, and the information described above.

        Raises:
            ValueError: The position is negative, or there is no such option.
            TypeError: The seed or the position is not a whole number.
        """
        options = check_reset(seed, options, ("position",))
        seed = None if seed is None else int(seed)
        super().reset(seed=seed)
        position = check_position(options.get("position"))
        if seed is not None or self._order is None:
            chosen = fresh_seed() if seed is None else seed
            self._order = QuestionOrder(len(self.benchmark), chosen)
            self._position = self._slot
        else:
            self._position += self._num_slots
        if position is not None:
            self._position = position + self._slot
        self._completions = []
        self._verdict = None
        return self._observe(), self._info(None)

    def step(self, action: str) -> tuple[str, float, bool, bool, dict[str, Any]]:
        """Takes one completion as a vote; the last one ends the episode.

        Raises:
            gymnasium.error.ResetNeeded: All votes have been given.
            gymnasium.error.InvalidAction: The action is not a string, or too long.
        """
        if self._order is None:
            raise gym.error.ResetNeeded("call reset before the first step")
        if len(self._completions) == self.group_size:
            raise gym.error.ResetNeeded("the episode is over; call reset before the next step")
        if not self.action_space.contains(action):
            shown = f"{len(action)} characters" if isinstance(action, str) else repr(action)[:80]
            raise gym.error.InvalidAction(
                f"an action is a completion: a string of at most "
                f"{self.action_space.max_length} characters, not {shown}"
            )
        self._completions.append(action)
        done = len(self._completions) == self.group_size
        info = self._info(action)
        reward = 0.0
        if done and self.estimator is not None:
            ballot, verdict = judge(
                self.estimator,
                self._completions,
                self.question,
                self.benchmark,
                self._position,
                [self._variant(member) for member in range(self.group_size)],
            )
            self._verdict = verdict
            reward = float(np.mean(verdict.rewards))
            info["rewards"] = verdict.rewards.copy()
            info["consensus"] = ballot.answer_of(verdict.pseudo_label)
            info["majority_ratio"] = ballot.majority_ratio
            info["abstained"] = verdict.abstains
            if verdict.advantages is not None:
                info["advantages"] = verdict.advantages.copy()
            if verdict.weights is not None:
                info["advantage_weights"] = verdict.weights.copy()
        return self._observe(), reward, done, False, info

    def render(self) -> Any:
        """Shows the votes so far, as `render_mode` says; nothing where it is `None`.

        Raises:
            RuntimeError: The environment was never reset.
        """
        view = view_vote(
            self.benchmark,
            self.question,
            self._position,
            self.group_size,
            tuple(self._completions),
            self._verdict,
        )
        return render_view(view, self.render_mode)

    def _variant(self, member: int) -> int:
        """The wording that a member of the group is shown."""
        if self._reword is None or self.group_size == 1:
            return self._first_variant
        return int(member >= self.group_size // 2)

    def _shown_variant(self) -> int:
        return self._variant(min(len(self._completions), self.group_size - 1))

    def _observe(self) -> str:
        question = self.question
        if self._reword is not None and self._shown_variant() == 1:
            question = self._reword(question)
        return prompt_of(self.benchmark, question, self.observation_space.max_length)

    def _info(self, completion: str | None) -> dict[str, Any]:
        question = self.question
        answer = None
        if completion is not None:
            answer = extract_answer(completion, self.benchmark.answer_format, question.options)
        info = {"question_id": question.id, "position": self._position, "answer": answer}
        return info if self._reword is None else info | {"variant": self._shown_variant()}


def _check_variant(variant: int, group_size: int, *, rephrased: bool) -> int:
    if rephrased and group_size > 1:
        check_halves(group_size)
    if variant not in (0, 1) or (variant and not (rephrased and group_size == 1)):
        raise ValueError(
            "variant is 0 or 1, and 1 needs rephrase and group_size=1 (a larger group shows both), "
            f"not {variant!r} with group_size={group_size}"
        )
    return variant
