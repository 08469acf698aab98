"""Any benchmark with a consensus reward as an environment of verifiers, and so of prime-rl.

- `BenchmarkTaskset`: the questions of a benchmark as tasks, without labels.
- `ConsensusEnv`: an episode asks one question several times, and rewards what the votes agree on.
- `AskOnce`: the harness that asks: one request, in this process.
- `load_environment`: the environment of a benchmark, from Python.

verifiers and prime-rl find them under the id `ttrl-consensus`, the module `ttrl_consensus`. Needs
verifiers 0.4 or newer; nothing else in this package imports it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Literal

import verifiers.v1 as vf
from pydantic import Field
from verifiers.v1.clients import ModelContext
from verifiers.v1.runtimes import ProgramResult, Runtime

from ttrl_benchmarks import Benchmark, Question, SealedLabels, load_benchmark
from ttrl_env.completion import Completion
from ttrl_env.consensus import Ballot, Verdict, judge, resolve_estimator
from ttrl_env.integrations.group_rewards import check_rewards_alone, check_trainable

__all__ = [
    "AskOnce",
    "BenchmarkTaskset",
    "ConsensusEnv",
    "ConsensusEnvConfig",
    "QuestionTask",
    "load_environment",
]

PLUGIN = "ttrl-consensus"
AnswerFormat = Literal["integer", "latex", "choice", "text"]


class QuestionData(vf.TaskData):
    """A question as a task: its prompt, and its id in `id`. No label is in it."""


class QuestionTask(vf.Task[QuestionData]):
    """A question of a benchmark; it has no reward of its own."""

    @property
    def key(self) -> str:
        """The id of the question."""
        return str(self.data.id)


class BenchmarkTasksetConfig(vf.TasksetConfig):
    """Which benchmark, under `--env.taskset.*`."""

    benchmark: str = "arithmetic"
    """The name of a benchmark, e.g. `aime24`, or `questions` with `options.path`."""
    options: dict[str, Any] = Field(default_factory=dict)
    """The options of the benchmark, as `load_benchmark` takes them."""


class BenchmarkTaskset(vf.Taskset[QuestionTask, BenchmarkTasksetConfig]):
    """The questions of a benchmark as tasks."""

    def __init__(self, config: BenchmarkTasksetConfig) -> None:
        super().__init__(config)
        self.benchmark = load_benchmark(config.benchmark, **config.options)

    def load(self) -> Iterable[QuestionTask]:
        """Yields the tasks, in the benchmark's order."""
        for question in self.benchmark.questions:
            prompt = self.benchmark.prompt(question)
            yield QuestionTask(QuestionData(id=question.id, prompt=prompt), self.config.task)


class AskOnceConfig(vf.HarnessConfig):
    """The harness has no options."""


class AskOnce(vf.Harness[AskOnceConfig]):
    """Asks the prompt with one request, without a program or a sandbox."""

    APPENDS_SYSTEM_PROMPT: ClassVar[bool] = True
    EXECUTES_CODE: ClassVar[bool] = False
    NEEDS_CONTAINER: ClassVar[bool] = False

    async def launch(
        self,
        ctx: ModelContext,
        trace: vf.Trace,  # noqa: ARG002 - verifiers records what passes the endpoint
        runtime: Runtime,  # noqa: ARG002 - nothing is run
        endpoint: str,
        secret: str,
        mcp_urls: dict[str, str],  # noqa: ARG002 - no tools
        data: vf.TaskData,
    ) -> ProgramResult:
        """Sends the request to the endpoint that verifiers records."""
        import httpx

        system, prompt = self.resolve_text_prompt(data)
        turns = [("system", system), ("user", prompt)]
        messages = [{"role": role, "content": text} for role, text in turns if text is not None]
        # How long to wait is for verifiers to say: see --env.agent.timeout.
        async with httpx.AsyncClient(timeout=None, trust_env=False) as client:  # noqa: S113
            answer = await client.post(
                f"{endpoint}/chat/completions",
                headers={"Authorization": f"Bearer {secret}"},
                json={"model": ctx.model, "messages": messages},
            )
        wrong = "" if answer.is_success else f"status {answer.status_code}: {answer.text[:500]}"
        return ProgramResult(exit_code=int(bool(wrong)), stdout="", stderr=wrong)


class ConsensusEnvConfig(vf.EnvConfig):
    """How questions are asked and rewarded, under `--env.*`."""

    agent: vf.AgentConfig = vf.AgentConfig(runtime=vf.SubprocessConfig())
    """The policy."""
    votes: int = Field(16, ge=2)
    """Completions of one question, which vote together."""
    reward: str = "majority"
    """The reward, as `ttrl rewards` lists them, e.g. `majority(min_ratio=0.3)`."""
    thinking: bool = False
    """Whether the chat template ends prompts inside a thought."""
    grade: bool = True
    """Whether the metrics say what is right, by the benchmark's labels; no reward reads them."""
    answer_format: AnswerFormat = "latex"
    """How answers are written, for tasksets other than `BenchmarkTaskset`."""
    max_concurrent_agents: int | None = Field(None, ge=1)
    """How many completions of an episode are sampled at a time; by default all."""


class ConsensusEnv(vf.Env[ConsensusEnvConfig]):
    """An episode asks one question `votes` times and rewards each completion by the vote.

    The reward of a completion is recorded as `consensus`; 0 for a group that abstains. As all
    completions of a question are in one episode, a trainer that compares rewards within a group
    is given groups of one episode (in prime-rl `group_size = 1`).

    The metrics of each completion are `majority_ratio`, `answered`, `abstained` and, with labels
    and `grade`, `correct` (its answer) and `vote_correct` (the pseudo-label). An episode in which
    a completion failed is an error, since a vote over a part of a group is another vote.

    With a taskset other than `BenchmarkTaskset` (`--env.id ttrl-consensus`), rewards of the tasks
    themselves are left out, as they may read labels.

    Args:
        config: The options.

    Raises:
        UnknownNameError: There is no such reward.
        ValueError: The reward needs more than completions, has advantages or weights, or
            remembers earlier votes.
    """

    def __init__(self, config: ConsensusEnvConfig) -> None:
        super().__init__(config)
        taskset = self.taskset
        labelled = taskset.benchmark if isinstance(taskset, BenchmarkTaskset) else None
        self.labels = SealedLabels() if labelled is None else labelled.labels
        known = labelled or self._lone(Question("", ""))
        self.estimator = resolve_estimator(config.reward, known)
        self.benchmark = None if labelled is None else labelled.unlabeled()
        check_trainable(self.estimator, known, "verifiers")
        questions = () if self.benchmark is None else self.benchmark.questions
        self._by_id = {question.id: question for question in questions}
        self._visits: Counter[str] = Counter()

    async def run(self, task: vf.Task, agents: vf.Agents) -> None:
        """Samples all completions of a question."""
        asked = task if isinstance(task, QuestionTask) else task.defer_scoring()
        async with asyncio.TaskGroup() as group:  # one that raises cancels the others
            for _ in range(self.config.votes):
                group.create_task(agents.agent.run(asked))

    async def finalize(self, task: vf.Task, episode: vf.Episode) -> None:
        """Holds the vote, and records rewards and metrics."""
        failed = [trace for trace in episode.traces if not trace.ok]
        if failed or len(episode.traces) != self.config.votes:
            error = next((trace.last_error for trace in failed if trace.last_error), None)
            why = f"; the first error is {error.type}: {error.message}" if error else ""
            raise ValueError(
                f"{len(failed)} of {self.config.votes} completions of {task.key!r} failed, and a "
                f"vote is held over whole groups only{why}. --env.agent.retries.max_retries tries "
                "a completion again, --env.retries.max_retries the whole episode"
            )
        question, benchmark = self._question(task)
        completions = [_completion(trace, self.config.thinking) for trace in episode.traces]
        # In a thread, as one of many episodes in this loop.
        ballot, verdict = await asyncio.to_thread(
            judge, self.estimator, completions, question, benchmark, self._visit(task)
        )
        check_rewards_alone(self.estimator, verdict, "verifiers")
        self._record(episode.traces, ballot, verdict)

    def _record(self, traces: Sequence[vf.Trace], ballot: Ballot, verdict: Verdict) -> None:
        rewards = [0.0] * ballot.size if verdict.abstains else verdict.rewards.tolist()
        label = self.labels.reveal(ballot.question_id) if self.config.grade else None
        right = None if label is None else ballot.class_of(label)
        elected = verdict.pseudo_label
        for trace, value, own in zip(traces, rewards, ballot.classes.tolist(), strict=True):
            trace.record_reward("consensus", value)
            trace.record_metric("majority_ratio", ballot.majority_ratio)
            trace.record_metric("answered", own >= 0)
            trace.record_metric("abstained", verdict.abstains)
            trace.info["answer"] = ballot.answer_of(None if own < 0 else own)
            trace.info["pseudo_label"] = ballot.answer_of(elected)
            if label is not None:
                trace.record_metric("correct", own == right)
                trace.record_metric("vote_correct", right is not None and elected == right)

    def _question(self, task: vf.Task) -> tuple[Question, Benchmark]:
        """The question of a task, and a benchmark that it is in."""
        if self.benchmark is None:
            question = Question(task.key, task.data.prompt_text)
            return question, self._lone(question)
        return self._by_id[task.key], self.benchmark

    def _lone(self, question: Question) -> Benchmark:
        return Benchmark(PLUGIN, (question,), answer_format=self.config.answer_format)

    def _visit(self, task: vf.Task) -> int:
        """Names a vote: by its question, and how often that was asked in this process."""
        self._visits[task.key] += 1
        return ((self._visits[task.key] - 1) << 20) + (task.data.idx or 0)


def load_environment(
    benchmark: str = "arithmetic",
    votes: int = 16,
    reward: str = "majority",
    *,
    options: dict[str, Any] | None = None,
    **config: Any,
) -> ConsensusEnv:
    """Makes the environment of a benchmark.

    Args:
        benchmark: The name of the benchmark.
        votes: Completions of one question.
        reward: The reward, as `ttrl rewards` lists them.
        options: The options of the benchmark, e.g. `{"path": "mine.jsonl"}`.
        **config: Other fields of `ConsensusEnvConfig`.

    Raises:
        BenchmarkError: There is no such benchmark.
        UnknownNameError: There is no such reward.
        ValueError: The reward needs more than completions, has advantages or weights, or
            remembers earlier votes.
    """
    taskset = {"id": PLUGIN, "benchmark": benchmark, "options": options or {}}
    fields = {"taskset": taskset, "votes": votes, "reward": reward, **config}
    return ConsensusEnv(ConsensusEnvConfig.model_validate(fields))


def _completion(trace: vf.Trace, thinking: bool) -> Completion:
    """What a trace ends with, and its tokens where the client tells them."""
    text = trace.last_reply
    known: dict[str, Any] = {"finished": not trace.is_truncated, "thinking": thinking}
    node = next((node for node in reversed(trace.nodes) if node.sampled), None)
    if node is not None and any(node.mask):
        pairs = zip(node.token_ids, node.mask, strict=True)
        known["token_ids"] = [token for token, sampled in pairs if sampled]
        if node.logprobs and len(node.logprobs) == len(known["token_ids"]):
            known["log_probs"] = node.logprobs
    return Completion(text, **known)
