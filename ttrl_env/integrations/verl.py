"""Votes over whole groups in verl's trainer.

- `ConsensusAgentLoopManager`: what verl's option `agent_loop_manager_class` names.
- `ConsensusAgentLoopWorker`: runs all sessions of a prompt, and rewards them by their vote.
- `GroupVote`: where the sessions of a prompt wait for each other.
- `write_questions`: the questions of a benchmark as a file for verl.
- `compute_score`: grades validation by the labels, as a reward function of verl's.

verl's own reward functions see one completion at a time. All sessions of a prompt run in one worker
though, so the vote is held there, between sampling and the queue that the trainer reads. Needs verl
0.9; nothing else in this package imports it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import ray
from verl.trainer.ppo.v1.agent_loop_tq import AgentLoopManagerTQ, AgentLoopWorkerTQ

from ttrl_benchmarks import Benchmark, load_benchmark
from ttrl_benchmarks.base import AnswerFormat
from ttrl_benchmarks.errors import unknown_name
from ttrl_env.answers import answer_key, extract_answer
from ttrl_env.completion import Completion
from ttrl_env.consensus import judge, resolve_estimator
from ttrl_env.consensus.rewards.common import check_flag
from ttrl_env.integrations.group_rewards import (
    check_rewards_alone,
    check_trainable,
    resolve_benchmark,
)

__all__ = [
    "ConsensusAgentLoopManager",
    "ConsensusAgentLoopWorker",
    "GroupVote",
    "QuestionVotes",
    "compute_score",
    "write_questions",
]

Rewarded = tuple[float, dict[str, float]]
"""The reward of a completion, and what verl logs beside it."""

_SETTINGS = ("benchmark", "options", "reward", "thinking")

# The class under verl's decorator: a Ray actor cannot be a base class.
_Worker: Any = AgentLoopWorkerTQ.__ray_actor_class__


class GroupVote:
    """Where the sessions of one prompt wait until all of them have voted.

    Args:
        size: How many sessions there are.
        vote: From the completions, in the order of the sessions, to the reward of each.
    """

    def __init__(self, size: int, vote: Callable[[list[Completion]], list[Rewarded]]) -> None:
        self._size = size
        self._vote = vote
        self._completions: dict[int, Completion] = {}
        self._result: asyncio.Future[list[Rewarded]] = asyncio.get_running_loop().create_future()
        self._result.add_done_callback(lambda done: done.exception())  # or asyncio warns of it

    def __contains__(self, session: int) -> bool:
        return session in self._completions

    async def reward_of(self, session: int, completion: Completion) -> Rewarded:
        """Returns the reward of a session when all have voted.

        Args:
            session: Its number, from 0.
            completion: What it sampled.

        Raises:
            Exception: Another session of the prompt failed, or the vote did.
        """
        self._completions[session] = completion
        if len(self._completions) == self._size and not self._result.done():
            voted = [self._completions[number] for number in range(self._size)]
            try:
                # In a thread, as other prompts go on in this loop.
                rewarded = await asyncio.to_thread(self._vote, voted)
            except Exception as error:  # noqa: BLE001 - it is raised in each session
                self._end(error)
            else:
                self._end(rewarded)
        return (await asyncio.shield(self._result))[session]

    def fail(self, why: object) -> None:
        """Makes every session fail, as a vote over a part of a group is another vote."""
        self._end(RuntimeError(f"a completion of this question failed, so there is no vote: {why}"))

    def _end(self, result: list[Rewarded] | Exception) -> None:
        """Tells every session; only what comes first counts, as one may fail during the vote."""
        if self._result.done():
            return
        if isinstance(result, Exception):
            self._result.set_exception(result)
        else:
            self._result.set_result(result)


class QuestionVotes:
    """The votes of a run: its benchmark and its reward, from verl's configuration.

    Args:
        settings: The section `ttrl`: `benchmark`, and if they are not the defaults `options` (of
            the benchmark), `reward` and `thinking`.

    Raises:
        BenchmarkError: There is no such benchmark.
        UnknownNameError: There is no such reward or setting.
        ValueError: No benchmark is named, `thinking` is not true or false, or the reward needs more
            than completions, has advantages or weights, or remembers earlier votes.
    """

    def __init__(self, settings: Mapping[str, Any] | None) -> None:
        given = dict(settings or {})
        if not given.get("benchmark"):
            raise ValueError("name the benchmark: +ttrl.benchmark=aime24 (and +ttrl.reward=...)")
        for name in given:
            if name not in _SETTINGS:
                raise unknown_name("setting of ttrl", str(name), _SETTINGS)
        check_flag("ttrl.thinking", given.get("thinking", False))
        labelled = load_benchmark(given["benchmark"], **dict(given.get("options") or {}))
        self.estimator = resolve_estimator(given.get("reward") or "majority", labelled)
        check_trainable(self.estimator, labelled, "verl")
        self.thinking: bool = given.get("thinking", False)
        self.benchmark = labelled.unlabeled()
        self._by_id = {question.id: question for question in self.benchmark.questions}

    def vote(
        self, question_id: str | None, position: int, completions: Sequence[Completion]
    ) -> list[Rewarded]:
        """Holds a vote.

        Args:
            question_id: The question that the completions answer.
            position: Names the vote.
            completions: A whole group.

        Returns:
            The reward of each completion, 0 where the group abstains, and what is logged.

        Raises:
            ValueError: The question is not of this benchmark.
        """
        if question_id not in self._by_id:
            raise ValueError(
                f"question {question_id!r} is not in benchmark {self.benchmark.name!r}; make "
                "data.train_files with write_questions from the same benchmark"
            )
        question = self._by_id[question_id]
        ballot, verdict = judge(self.estimator, completions, question, self.benchmark, position)
        check_rewards_alone(self.estimator, verdict, "verl")
        rewards = [0.0] * ballot.size if verdict.abstains else verdict.rewards.tolist()
        logged = {"majority_ratio": ballot.majority_ratio, "abstained": float(verdict.abstains)}
        return [
            (reward, {**logged, "answered": float(answered)})
            for reward, answered in zip(rewards, ballot.answered, strict=True)
        ]


class ConsensusAgentLoopWorker(_Worker):
    """verl's worker, whose prompts are rewarded by the votes of their sessions.

    Validation is scored as verl does it.
    """

    def __init__(self, config: Any, *arguments: Any, **more: Any) -> None:
        super().__init__(config, *arguments, **more)
        self._votes = QuestionVotes(config.get("ttrl"))
        self._groups: dict[str, GroupVote] = {}

    async def _run_prompt(
        self,
        prompt: dict[str, Any],
        sampling_params: dict[str, Any],
        trajectory: dict[str, Any],
        trace: bool = False,
    ) -> None:
        uid = prompt["uid"]
        if not trajectory["validate"]:
            size = int(prompt.get("__rollout_n__", self.rollout_config.n))
            question_id = (prompt.get("extra_info") or {}).get("question_id")
            # Steps are far apart and indexes small, so that each visit has its own name.
            position = (int(trajectory["step"]) << 20) + int(trajectory["sample_index"])
            vote = partial(self._votes.vote, question_id, position)
            self._groups[uid] = GroupVote(size, vote)
        try:
            await super()._run_prompt(prompt, sampling_params, trajectory, trace)
        finally:
            self._groups.pop(uid, None)

    async def _run_agent_loop(
        self,
        sampling_params: dict[str, Any],
        trajectory: dict[str, Any],
        *,
        uid: str,
        session_id: int,
        **more: Any,
    ) -> Any:
        group = self._groups.get(uid)
        known = {"uid": uid, "session_id": session_id, **more}
        try:
            result = await super()._run_agent_loop(sampling_params, trajectory, **known)
        except BaseException as error:
            if group is not None:
                group.fail(error)
            raise
        if group is not None and session_id not in group:
            group.fail("it has no output")
        return result

    async def _compute_score(self, outputs: Sequence[Any], kwargs: dict[str, Any]) -> None:
        group = self._groups.get(kwargs["uid"])
        if group is None:
            await super()._compute_score(outputs, kwargs)
            return
        last = outputs[-1]
        reward, logged = await group.reward_of(kwargs["session_id"], self._completion(last))
        last.reward_score = reward
        last.extra_fields["reward_extra_info"] = logged

    def _completion(self, output: Any) -> Completion:
        """What the policy sampled in the last output of a session."""
        sampled = [bool(each) for each in output.response_mask]
        pairs = zip(output.response_ids, sampled, strict=True)
        tokens = [token for token, own in pairs if own]
        known: dict[str, Any] = {"token_ids": tokens}
        if output.response_logprobs:
            values = zip(output.response_logprobs, sampled, strict=True)
            known["log_probs"] = [value for value, own in values if own]
        return Completion(
            self.tokenizer.decode(tokens, skip_special_tokens=True),
            finished=len(output.response_ids) < self.rollout_config.response_length,
            thinking=self._votes.thinking,
            **known,
        )


class ConsensusAgentLoopManager(AgentLoopManagerTQ):  # type: ignore[misc, unused-ignore]
    """verl's manager with workers that vote.

    `actor_rollout_ref.rollout.agent.agent_loop_manager_class` names it. The section `ttrl` of the
    configuration says what the votes are on; see `QuestionVotes`.
    """

    def __init__(self, config: Any, *arguments: Any, **more: Any) -> None:
        QuestionVotes(config.get("ttrl"))  # raises here, rather than in every worker
        super().__init__(config, *arguments, **more)
        self.agent_loop_workers_class = ray.remote(ConsensusAgentLoopWorker)


def write_questions(benchmark: str | Benchmark, path: str | Path, *, labels: bool = False) -> Path:
    """Writes the questions of a benchmark as a Parquet file for verl.

    Args:
        benchmark: A benchmark, its name, or the id of its environment.
        path: The file.
        labels: Whether labels are written too: for `data.val_files` alone, with `compute_score`.

    Returns:
        The path.

    Raises:
        BenchmarkError: There is no such benchmark, or it has options to give: load it yourself.
    """
    benchmark = resolve_benchmark(benchmark)
    rows = []
    for index, question in enumerate(benchmark.questions):
        label = benchmark.labels.reveal(question.id) if labels else None
        known = {
            "index": index,
            "question_id": question.id,
            "answer_format": benchmark.answer_format,
            "options": list(question.options or ()),
        }
        rows.append(
            {
                "data_source": f"ttrl/{benchmark.name}",
                "prompt": [{"role": "user", "content": benchmark.prompt(question)}],
                "reward_model": {"style": "rule", "ground_truth": label or ""},
                "extra_info": known,
            }
        )
    pq.write_table(pa.Table.from_pylist(rows), path)
    return Path(path)


def compute_score(
    data_source: str,  # noqa: ARG001 - verl gives it by this name
    solution_str: str,
    ground_truth: str,
    extra_info: Mapping[str, Any] | None = None,
    *,
    thinking: bool = False,
    **_: Any,
) -> float:
    """Grades a completion by its label, as verl's validation asks for.

    Args:
        data_source: The benchmark.
        solution_str: The completion.
        ground_truth: The label, from a file that `write_questions` made with labels.
        extra_info: How answers are written.
        thinking: Whether the chat template ends prompts inside a thought, as `ttrl.thinking` says
            to the votes; verl gives it from `reward.custom_reward_function.reward_kwargs`.

    Returns:
        1 if the answer is right, else 0.
    """
    known = dict(extra_info or {})
    answer_format: AnswerFormat = known.get("answer_format", "latex")
    options = known.get("options")
    chosen = tuple(options) if options is not None and len(options) else None
    completion = Completion(solution_str, thinking=thinking)
    answer = extract_answer(completion, answer_format, chosen)
    if answer is None or not ground_truth:
        return 0.0
    return float(answer_key(answer, answer_format) == answer_key(ground_truth, answer_format))
