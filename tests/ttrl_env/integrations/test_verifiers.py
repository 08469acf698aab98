"""The environment for verifiers, run by verifiers' own evaluator against a server on loopback."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hostile_servers import OddServer

from ttrl_benchmarks import SealedLabels, UnknownNameError

if importlib.util.find_spec("verifiers") is None:
    pytest.skip("needs verifiers: make test-trainers", allow_module_level=True)

import verifiers.v1 as vf
from verifiers.v1.cli.eval.runner import run_eval
from verifiers.v1.configs.cli.eval import EvalConfig

from ttrl_env.integrations.verifiers import ConsensusEnv, load_environment

VOTES = 4


def completion(text: str, reason: str = "stop") -> bytes:
    """What a server says to a request for a chat completion."""
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": reason}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    known = {"id": "x", "object": "chat.completion", "created": 0, "model": "one"}
    return json.dumps({**known, "choices": [choice], "usage": usage}).encode()


def evaluate(
    say: Callable[[str, int], bytes],
    folder: Path,
    *,
    status: int = 200,
    tasks: int = 1,
    env: dict[str, Any] | None = None,
) -> tuple[list[vf.Episode], list[dict[str, Any]]]:
    """Runs verifiers' evaluator; `say` answers the prompt that is asked for the i-th time."""
    asked: dict[str, int] = {}

    def answer(path: str, body: Any) -> bytes:
        assert path.endswith("/chat/completions")
        prompt = body["messages"][-1]["content"]
        asked[prompt] = asked.get(prompt, -1) + 1
        return say(prompt, asked[prompt])

    taskset = {"id": "ttrl-consensus", "benchmark": "arithmetic", "options": {"size": 5}}
    options = {"taskset": taskset, "votes": VOTES, "max_concurrent_agents": 1, **(env or {})}
    with OddServer(answer, status=status) as server:
        config = EvalConfig.model_validate(
            {
                "env": options,
                "model": "one",
                "client": {"base_url": f"{server.url}/v1", "api_key_var": "NO_KEY"},
                "select": {"limit": tasks},
                "sampling": {"temperature": 0.6, "max_tokens": 50},
                "push": False,
                "output_dir": folder,
            }
        )
        return asyncio.run(run_eval(config)), server.asked


@pytest.fixture(autouse=True)
def _workdirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps the folders that verifiers makes for each completion out of the user's home."""
    monkeypatch.setattr("verifiers.v1.runtimes.subprocess.CACHE_DIR", tmp_path / "cache")


def boxed(prompt: str, turn: int) -> bytes:
    return completion([r"\boxed{7}", r"\boxed{07}", r"\boxed{8}", "no idea"][turn])


def test_the_completions_of_a_question_are_rewarded_by_their_vote(tmp_path: Path) -> None:
    episodes, asked = evaluate(boxed, tmp_path, tasks=2)
    assert len(episodes) == 2
    assert len(asked) == 2 * VOTES
    assert {body["temperature"] for body in asked} == {0.6}
    for episode in episodes:
        assert episode.ok, episode.errors
        assert [trace.reward for trace in episode.traces] == [1, 1, 0, 0]
        first, *_, last = episode.traces
        assert first.metrics["majority_ratio"] == 0.5
        assert (first.metrics["answered"], last.metrics["answered"]) == (1, 0)
        assert (first.info["answer"], last.info["answer"]) == ("7", None)
        assert {trace.info["pseudo_label"] for trace in episode.traces} == {"7"}


def test_labels_are_read_for_metrics_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env = load_environment(options={"size": 5}, votes=VOTES)
    task = next(iter(env.taskset))
    right = env.labels.reveal(task.key)
    assert right is not None
    assert right not in task.data.model_dump_json()

    def say(prompt: str, turn: int) -> bytes:
        return completion(rf"\boxed{{{right}}}" if turn < 3 else r"\boxed{-1}")

    (episode,), _ = evaluate(say, tmp_path / "graded")
    assert [trace.metrics["correct"] for trace in episode.traces] == [1, 1, 1, 0]
    assert {trace.metrics["vote_correct"] for trace in episode.traces} == {1}

    def broken_seal(self: SealedLabels, question_id: str) -> str:
        raise AssertionError(f"the label of {question_id} was read")

    monkeypatch.setattr(SealedLabels, "reveal", broken_seal)
    (blind,), _ = evaluate(say, tmp_path / "blind", env={"grade": False})
    assert blind.ok, blind.errors
    assert [t.reward for t in blind.traces] == [t.reward for t in episode.traces]
    assert "correct" not in blind.traces[0].metrics


def test_a_group_that_abstains_earns_nothing(tmp_path: Path) -> None:
    reward = "majority(min_ratio=0.9)"
    (episode,), _ = evaluate(boxed, tmp_path, env={"reward": reward})
    assert [trace.reward for trace in episode.traces] == [0] * VOTES
    assert {trace.metrics["abstained"] for trace in episode.traces} == {1}


def test_a_completion_that_was_cut_off_is_not_finished(tmp_path: Path) -> None:
    def say(prompt: str, turn: int) -> bytes:
        return completion(r"\boxed{7}", "length" if turn else "stop")

    (episode,), _ = evaluate(say, tmp_path, env={"reward": "format_only"})
    assert [trace.reward for trace in episode.traces] == [1, 0, 0, 0]


def test_no_vote_is_held_over_a_part_of_a_group(tmp_path: Path) -> None:
    (episode,), _ = evaluate(lambda *_: b'{"error": "busy"}', tmp_path, status=400)
    assert not episode.ok
    assert all("consensus" not in trace.rewards for trace in episode.traces)
    message = episode.errors[-1].message
    assert "4 of 4 completions of 'train-0-L1-000' failed" in message
    assert "--env.retries.max_retries" in message


def test_coins_are_of_the_question_and_of_the_visit(tmp_path: Path) -> None:
    def rewards(name: str) -> list[list[float]]:
        episodes, _ = evaluate(
            boxed, tmp_path / name, tasks=5, env={"reward": "random", "votes": VOTES}
        )
        return [[trace.reward for trace in each.traces] for each in episodes]

    assert rewards("one") == rewards("other")
    assert len({tuple(each) for each in rewards("third")}) > 1


def test_it_votes_over_the_tasks_of_another_taskset_without_their_own_rewards() -> None:
    class Data(vf.TaskData):
        answer: str

    class Task(vf.Task[Data]):
        @vf.reward
        async def right(self, trace: vf.Trace) -> float:
            raise AssertionError("a reward that reads labels was asked")

    env = load_environment(options={"size": 5}, votes=VOTES)
    env.benchmark, env.labels = None, SealedLabels()
    task = Task(Data(idx=3, prompt="What is 3 + 4?", answer="7"))
    asked: list[vf.Task] = []

    class Agent:
        async def run(self, task: vf.Task) -> None:
            asked.append(task)

    class Agents:
        agent = Agent()

    asyncio.run(env.run(task, Agents()))  # type: ignore[arg-type]
    assert len(asked) == VOTES
    assert all(each.scoring_deferred for each in asked)
    question, benchmark = env._question(task)
    assert (question.text, benchmark.answer_format) == ("What is 3 + 4?", "latex")


@pytest.mark.slow
def test_the_example_prints_what_the_votes_say() -> None:
    example = Path(__file__).parents[3] / "examples" / "verifiers_eval.py"
    command = [sys.executable, str(example), "--questions", "2"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "2 questions, 8 completions of each, T 0.6, top-p 0.95" in printed
    shares = [float(share) for share in re.findall(r"([01]\.\d{3})$", printed, re.MULTILINE)]
    assert len(shares) == 4
    assert shares[0] == shares[1] > 0  # the reward is the share that agrees


def test_it_is_found_by_its_name_with_its_own_harness() -> None:
    env = load_environment("arithmetic", options={"size": 5}, reward="soft_majority")
    assert isinstance(env, ConsensusEnv)
    assert type(env._harnesses["agent"]).__name__ == "AskOnce"
    assert env.config.env_id == "ttrl-consensus"
    assert len(list(env.taskset)) == 5


@pytest.mark.parametrize(
    ("reward", "message"),
    [
        ("held", "remembers earlier votes"),
        ("scrl", "needs statistics of each token"),
        ("self_harmony", "needs two wordings"),
        ("ddrl", "gives advantages"),
        ("guard", "gives advantages and weights"),
        ("majority + 0.1*held", "remembers earlier votes"),
    ],
)
def test_a_reward_that_the_trainers_cannot_use_is_refused_at_once(
    reward: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        load_environment(reward=reward)


def test_a_sum_of_rewards_can_be_used() -> None:
    env = load_environment(reward="majority + 0.1*format_only", options={"size": 5})
    assert type(env.estimator).__name__ == "WeightedSum"


def test_names_that_do_not_exist_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="majority"):
        load_environment(reward="majorty")
    with pytest.raises(UnknownNameError, match="arithmetic"):
        load_environment("arithmetics")
