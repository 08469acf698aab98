"""Consensus rewards for TRL's trainers.

- `consensus_reward`: a reward function for `GRPOTrainer` and `RLOOTrainer`.
- `ConsensusRewardFunction`: what it returns.
- `questions_dataset`: the questions of a benchmark as the data set that it needs.

TRL's trainers call a reward function once for each process, with the rows of that process. They
only see to it that groups are whole over all processes together; a vote over a part of a group
would be another vote. So the processes tell each other the question ids of their rows, and where
some process holds a part of a group, the completions too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ttrl_benchmarks import Benchmark
from ttrl_env.completion import Completion
from ttrl_env.consensus import (
    Ballot,
    Estimator,
    Verdict,
    judge,
    resolve_estimator,
)
from ttrl_env.consensus.rewards.inner import remembers
from ttrl_env.integrations.group_rewards import (
    check_needs,
    check_rewards_alone,
    resolve_benchmark,
)

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import TrainerCallback

__all__ = ["ConsensusRewardFunction", "consensus_reward", "questions_dataset"]

STATE_FILE = "consensus_reward.json"

T = TypeVar("T")


def questions_dataset(benchmark: str | Benchmark) -> Dataset:
    """Returns the questions of a benchmark as a data set for TRL's trainers.

    Args:
        benchmark: A benchmark, its name, or the id of its environment.

    Returns:
        One row for each question, in order: `prompt`, a conversation with one user's turn, and
        `question_id`. No label is in it.

    Raises:
        BenchmarkError: There is no such benchmark, or it has options to give: load it yourself.
    """
    from datasets import Dataset

    benchmark = resolve_benchmark(benchmark)
    rows = [
        {
            "prompt": [{"role": "user", "content": benchmark.prompt(question)}],
            "question_id": question.id,
        }
        for question in benchmark.questions
    ]
    return Dataset.from_list(rows)


def consensus_reward(
    benchmark: str | Benchmark,
    group_size: int,
    reward: str | Estimator = "majority",
    *,
    thinking: bool = False,
) -> ConsensusRewardFunction:
    r"""Makes a reward function for TRL's `GRPOTrainer` and `RLOOTrainer`.

    Args:
        benchmark: What the data set asks: a benchmark, its name, or the id of its environment.
        group_size: Completions of one question: the trainer's `num_generations` (and
            `num_generations_eval`, if it evaluates).
        reward: The name of a reward, or an estimator.
        thinking: Whether the model's chat template ends prompts inside a thought (see
            `ttrl_env.answers.opens_thinking`), which TRL does not tell.

    Raises:
        UnknownNameError: There is no such benchmark or reward.
        ValueError: `group_size` is less than 2, or the reward needs more than completions, or
            brings advantages or weights of its own.

    >>> reward = consensus_reward("TTRL-Arithmetic-v0", group_size=3)
    >>> completions = [r"\boxed{7}", r"\boxed{7}", r"\boxed{8}"]
    >>> reward(completions, question_id=["train-0-L1-000"] * 3)
    [1.0, 1.0, 0.0]
    """
    return ConsensusRewardFunction(benchmark, group_size, reward, thinking=thinking)


class ConsensusRewardFunction:
    """A reward function that votes over whole groups, wherever the trainer has put their parts.

    A group that abstains is rewarded with `None`, of which TRL warns each time: it has no part in
    any baseline, and the advantage 0. The trainer logs what the votes show, as
    `consensus/majority_ratio`, `consensus/absent_answers` and `consensus/abstained`, and beside
    each completion its `consensus/answer` and its group's `consensus/pseudo_label`. As TRL does not
    say which completions ended by themselves, all of them count as finished.

    Args:
        benchmark: A benchmark, its name, or the id of its environment.
        group_size: Completions of one question.
        reward: The name of a reward, or an estimator.
        thinking: Whether the model's chat template ends prompts inside a thought.

    Attributes:
        __name__: What the trainer's logs call it, `"consensus"`; where there are two of them, give
            one another name.
        benchmark: The benchmark, without labels.
        estimator: The reward.
        remembers: Whether the reward keeps something from vote to vote.
    """

    def __init__(
        self,
        benchmark: str | Benchmark,
        group_size: int,
        reward: str | Estimator = "majority",
        *,
        thinking: bool = False,
    ) -> None:
        if group_size < 2:
            raise ValueError(f"group_size must be 2 or more, not {group_size}")
        self.__name__ = "consensus"  # rewards/consensus/mean, and the prefix of all else
        self.group_size = group_size
        self.thinking = thinking
        labelled = resolve_benchmark(benchmark)
        self.estimator = resolve_estimator(reward, labelled)
        self.benchmark = labelled.unlabeled()
        self._by_id = {question.id: question for question in self.benchmark.questions}
        check_needs(self.estimator, "TRL's trainers")
        # An estimator that remembers must see every group, on every process.
        self.remembers = remembers(self.estimator)
        self._restored = False
        self._visit = (0, -1)  # the trainer's step, and the calls of this function within it

    def __call__(
        self,
        completions: Sequence[Any],
        *,
        question_id: Sequence[str] | None = None,
        completion_ids: Sequence[Sequence[int]] | None = None,
        trainer_state: Any = None,
        log_extra: Any = None,
        log_metric: Any = None,
        **_: Any,
    ) -> list[float | None]:
        """Rewards the completions of this process; every process must call it at the same time.

        TRL's trainers call it, with more arguments than it looks at.

        Args:
            completions: Texts, or conversations that end with the policy's turn.
            question_id: The question of each, from the data set's column of this name.
            completion_ids: The sampled tokens of each, where the trainer gives them.
            trainer_state: The trainer's state, which has its step.
            log_extra: Takes a column for the trainer's table of completions.
            log_metric: Takes a number for the trainer's log.

        Returns:
            The reward of each completion, or `None` where its group abstains.

        Raises:
            ValueError: The groups are not whole, the data set does not tell the questions or
                tells of others, or the estimator wants more than rewards.
        """
        if question_id is None:
            raise ValueError(
                "the data set has no column 'question_id', so it is unknown which completions "
                "vote together; make it with questions_dataset(benchmark)"
            )
        step = 0 if trainer_state is None else int(trainer_state.global_step)
        self._check_restored(step)
        for name, values in (("question_id", question_id), ("completion_ids", completion_ids)):
            if values is not None and len(values) != len(completions):
                raise ValueError(
                    f"{name} has {len(values)} values for {len(completions)} completions; each "
                    "completion needs one"
                )
        mine = _with_tokens(completions, completion_ids, self.thinking)
        by_process, rank = _exchange(list(question_id))
        ids = list(chain.from_iterable(by_process))
        self._check_whole(ids)
        start = sum(len(each) for each in by_process[:rank])
        rows = range(start, start + len(mine))
        if self.remembers or any(len(each) % self.group_size for each in by_process):
            held = dict(enumerate(chain.from_iterable(_exchange(mine)[0])))
        else:
            held = dict(zip(rows, mine, strict=True))
        votes = self._vote(ids, held, rows, self._next_visit(step))
        shares = [(*votes[row // self.group_size], row % self.group_size) for row in rows]
        # The trainer has a column of the function's own name, with its rewards.
        name = self.__name__
        if log_metric is not None:
            log_metric(f"{name}/majority_ratio", _mean(b.majority_ratio for b, _, _ in shares))
            log_metric(f"{name}/absent_answers", _mean(b.answers[i] is None for b, _, i in shares))
            log_metric(f"{name}/abstained", _mean(v.abstains for _, v, _ in shares))
        if log_extra is not None:
            log_extra(f"{name}/answer", [ballot.answers[i] for ballot, _, i in shares])
            labels = [ballot.answer_of(verdict.pseudo_label) for ballot, verdict, _ in shares]
            log_extra(f"{name}/pseudo_label", labels)
        return [None if v.abstains else float(v.rewards[i]) for _, v, i in shares]

    def checkpoint_callback(self) -> TrainerCallback:
        """Returns what saves an estimator's memory with the trainer's checkpoints.

        An estimator that remembers earlier votes needs it to resume; for others it does nothing.
        `trainer.add_callback(reward.checkpoint_callback())`. The memory is read from the
        checkpoint of the trainer's step in its `output_dir`. Evaluations by the trainer are votes
        too, and are remembered.
        """
        from transformers import TrainerCallback

        reward = self

        class RewardCheckpoint(TrainerCallback):
            def on_save(self, args: Any, state: Any, *_: Any, **__: Any) -> None:
                if state.is_world_process_zero and reward.remembers:
                    memory = json.dumps(reward.state_dict())
                    _state_path(args, state).write_text(memory, encoding="utf-8")

            def on_train_begin(self, args: Any, state: Any, *_: Any, **__: Any) -> None:
                path = _state_path(args, state)
                if state.global_step > 0 and path.is_file():
                    reward.load_state_dict(json.loads(path.read_text(encoding="utf-8")))

        return RewardCheckpoint()

    def state_dict(self) -> dict[str, Any]:
        """Returns what the estimator remembers, as JSON holds it; empty where it is nothing."""
        state: dict[str, Any] = self.estimator.state_dict() if self.remembers else {}  # type: ignore[attr-defined]
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Puts back what `state_dict` returned."""
        if self.remembers:
            self.estimator.load_state_dict(state)  # type: ignore[attr-defined]
        self._restored = True

    def _vote(
        self, ids: list[str], held: Mapping[int, Completion], rows: range, visit: int
    ) -> dict[int, tuple[Ballot, Verdict]]:
        """Holds the votes that some of our rows take part in, or all where they are remembered.

        Args:
            ids: The question of every row, over all processes.
            held: The completions that are known here, by row.
            rows: The rows of this process.
            visit: Names the first group of this call.
        """
        size = self.group_size
        wanted = range(len(ids)) if self.remembers else rows
        votes = {}
        for group in sorted({row // size for row in wanted}):
            members = range(group * size, (group + 1) * size)
            question = self._by_id[ids[members[0]]]
            completions = [held[row] for row in members]
            ballot, verdict = judge(
                self.estimator, completions, question, self.benchmark, visit + group
            )
            check_rewards_alone(self.estimator, verdict, "TRL")
            votes[group] = ballot, verdict
        return votes

    def _next_visit(self, step: int) -> int:
        """Names this call's first group: a function of the trainer's step, so runs can resume."""
        before, calls = self._visit
        self._visit = (step, calls + 1 if step == before else 0)
        return ((step << 12) + self._visit[1]) << 20  # calls in a step, groups in a call

    def _check_restored(self, step: int) -> None:
        if self.remembers and step > 0 and not self._restored:
            raise ValueError(
                f"the trainer goes on at step {step}, but {self.estimator!r} remembers no vote "
                f"before it, and there is no {STATE_FILE} in the checkpoint; call "
                "trainer.add_callback(reward.checkpoint_callback()) before training and before "
                "resuming"
            )
        self._restored = True

    def _check_whole(self, ids: list[str]) -> None:
        size = self.group_size
        if len(ids) % size:
            raise ValueError(
                f"{len(ids)} completions over all processes make no whole groups of {size}; "
                f"set num_generations={size} (and num_generations_eval) in the trainer's config"
            )
        blocks = [ids[i : i + size] for i in range(0, len(ids), size)]
        for block in blocks:
            if len(set(block)) > 1:
                raise ValueError(
                    f"completions of questions {', '.join(sorted(set(block)))} are in one group "
                    f"of {size}; set num_generations={size} (and num_generations_eval) in the "
                    "trainer's config"
                )
            if block[0] not in self._by_id:
                raise ValueError(
                    f"question {block[0]!r} is not in benchmark {self.benchmark.name!r}; make the "
                    "data set with questions_dataset(benchmark) from the same benchmark"
                )
        for one, other in pairwise(blocks):
            # The trainer asks a question once a batch, so this is a group that was cut in two.
            if one[0] == other[0] and len(self.benchmark) > 1:
                raise ValueError(
                    f"question {one[0]!r} fills two groups of {size} in a row; set "
                    f"num_generations={size} in the trainer's config, and keep each question once "
                    "in the data set"
                )


def _with_tokens(
    completions: Sequence[Any],
    token_ids: Sequence[Sequence[int]] | None,
    thinking: bool,
) -> list[Completion]:
    if token_ids is None:
        return [Completion(_text(each), thinking=thinking) for each in completions]
    pairs = zip(completions, token_ids, strict=True)
    return [Completion(_text(each), token_ids=ids, thinking=thinking) for each, ids in pairs]


def _text(completion: Any) -> str:
    """The text of a completion; of a conversation, that of its last turn.

    Nothing, no turn, a turn without text, as one that only calls tools, and a turn that the policy
    did not write, as the result of a tool, are all no text.
    """
    content = completion
    if isinstance(completion, Mapping):
        content = _said(completion)
    elif isinstance(completion, list | tuple):
        content = _said(completion[-1]) if completion else None
    elif completion is not None and not isinstance(completion, str):
        raise ValueError(
            "a completion is a text or a list of turns, not "
            f"{type(completion).__name__} {str(completion)[:40]!r}"
        )
    if isinstance(content, list):  # parts, as models that see images have them
        parts = (part.get("text") if isinstance(part, Mapping) else part for part in content)
        content = "".join(part for part in parts if isinstance(part, str))
    return content or ""


def _said(turn: Any) -> Any:
    """What the policy says in a turn; nothing, where somebody else does."""
    if not isinstance(turn, Mapping):
        return turn
    return turn.get("content") if turn.get("role", "assistant") == "assistant" else None


def _exchange(values: list[T]) -> tuple[list[list[T]], int]:
    """Returns the values of every process, and the number of this one."""
    from torch import distributed

    if not (distributed.is_available() and distributed.is_initialized()):
        return [values], 0
    everyone: list[Any] = [None] * distributed.get_world_size()
    distributed.all_gather_object(everyone, values)
    return everyone, distributed.get_rank()


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


def _state_path(args: Any, state: Any) -> Path:
    return Path(args.output_dir) / f"checkpoint-{state.global_step}" / STATE_FILE
