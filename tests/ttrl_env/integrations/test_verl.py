"""The vote inside verl's own worker, driven with a rollout that is made up."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

if importlib.util.find_spec("verl") is None:
    pytest.skip("needs verl: make test-trainers", allow_module_level=True)

import verl
from hydra import compose, initialize_config_dir
from verl.trainer.ppo.v1 import agent_loop_tq
from verl.workers.rollout.replica import TokenOutput

import ttrl_agents.tiny
from ttrl_benchmarks import load_benchmark
from ttrl_env.completion import Completion
from ttrl_env.consensus import Majority
from ttrl_env.integrations import verl as integration
from ttrl_env.integrations.verl import (
    ConsensusAgentLoopManager,
    GroupVote,
    QuestionVotes,
    compute_score,
    write_questions,
)

TINY = Path(ttrl_agents.tiny.__file__).parent / "checkpoint"
MANAGER = "ttrl_env.integrations.verl.ConsensusAgentLoopManager"
VOTES = 4
ARITHMETIC = {"benchmark": "arithmetic", "options": {"size": 5}}
SAID = [r"\boxed{7}", r"\boxed{07}", r"\boxed{8}", "no idea"]


class Queue:
    """What the worker puts where the trainer reads."""

    def __init__(self) -> None:
        self.status: dict[str, str] = {}
        self.fields: dict[str, dict[str, Any]] = {}

    async def put(self, key: str, partition_id: str, tag: dict[str, str]) -> None:
        self.status[key] = tag["status"]

    async def put_batch(self, keys: list[str], fields: Any, **_: Any) -> None:
        for key, row in zip(keys, fields, strict=True):
            names = ("responses", "rm_scores", "extra_fields")
            self.fields[key] = {name: row[name] for name in names if name in row.keys()}  # noqa: SIM118


class Engine:
    """The client of a sampling engine: what a test wants, what is asked for first comes last."""

    def __init__(self, say: Callable[[int], str] = lambda turn: SAID[turn % VOTES]) -> None:
        self.say, self.asked = say, 0
        self.tokenizer: Any = None

    async def generate(self, request_id: str, **_: Any) -> TokenOutput:
        turn, self.asked = self.asked, self.asked + 1
        await asyncio.sleep(0.001 * (VOTES - turn % VOTES))
        tokens = self.tokenizer.encode(self.say(turn), add_special_tokens=False)
        return TokenOutput(token_ids=tokens, log_probs=[-0.5] * len(tokens))


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Queue:
    """Stands in for verl's TransferQueue, which needs Ray's processes."""
    made = Queue()
    monkeypatch.setattr(agent_loop_tq.tq, "init", lambda *_: None)
    monkeypatch.setattr(agent_loop_tq.tq, "async_kv_put", made.put)
    monkeypatch.setattr(agent_loop_tq.tq, "async_kv_batch_put", made.put_batch)
    return made


def composed(options: list[str]) -> Any:
    """verl's own configuration of a trainer, with these options."""
    folder = str(Path(verl.__file__).parent / "trainer" / "config")
    with initialize_config_dir(config_dir=folder, version_base=None):
        return compose("ppo_trainer", overrides=options)


@pytest.fixture(scope="module")
def config() -> Any:
    """The configuration of a run of the tiny reasoner with our workers."""
    return composed(
        [
            f"actor_rollout_ref.model.path={TINY}",
            "actor_rollout_ref.rollout.name=vllm",
            f"actor_rollout_ref.rollout.n={VOTES}",
            "actor_rollout_ref.rollout.response_length=64",
            f"+actor_rollout_ref.rollout.agent.agent_loop_manager_class={MANAGER}",
            "+ttrl.benchmark=arithmetic",
            "+ttrl.options.size=5",
        ]
    )


def run_prompt(
    config: Any, engine: Engine, *, validate: bool = False, question: str = "train-0-L1-000"
) -> None:
    """Runs all sessions of one prompt as verl's worker does."""

    async def run() -> None:
        worker = integration.ConsensusAgentLoopWorker(config, engine)
        engine.tokenizer = worker.tokenizer
        prompt = {
            "uid": "u",
            "raw_prompt": [{"role": "user", "content": "What is 3 + 4?"}],
            "agent_name": "single_turn_agent",
            "index": 0,
            "global_steps": 1,
            "extra_info": {"index": 0, "question_id": question},
        }
        trajectory = {"step": 1, "sample_index": 0, "rollout_n": 0, "validate": validate}
        await worker._run_prompt(prompt, {"temperature": 1.0}, trajectory=trajectory)

    asyncio.run(run())


def test_the_sessions_of_a_prompt_are_rewarded_by_their_vote(config: Any, queue: Queue) -> None:
    engine = Engine()
    run_prompt(config, engine)
    assert queue.status == {"u": "finished"}
    assert set(queue.fields) == {f"u_{session}_0" for session in range(VOTES)}
    rewards, answered = {}, {}
    for row in queue.fields.values():
        said = engine.tokenizer.decode(row["responses"])
        logged = row["extra_fields"]["reward_extra_info"]
        assert not row["rm_scores"][:-1].any()  # it is on the last token
        rewards[said] = float(row["rm_scores"][-1])
        answered[said] = logged["answered"]
        assert logged["majority_ratio"] == 0.5
    assert rewards == dict(zip(SAID, [1, 1, 0, 0], strict=True))
    assert answered == dict(zip(SAID, [1, 1, 1, 0], strict=True))


def test_a_session_that_fails_takes_its_group_along(config: Any, queue: Queue) -> None:
    def say(turn: int) -> str:
        if turn == 2:
            raise ConnectionError("the engine is gone")
        return SAID[turn]

    run_prompt(config, Engine(say))
    assert queue.status == {"u": "failure"}
    assert queue.fields == {}


def test_a_question_of_another_benchmark_fails_and_says_so(
    config: Any, queue: Queue, caplog: pytest.LogCaptureFixture
) -> None:
    run_prompt(config, Engine(), question="aime24-0")
    assert queue.status == {"u": "failure"}
    assert "'aime24-0' is not in benchmark 'arithmetic'; make data.train_files" in caplog.text


def test_validation_is_left_to_verl(config: Any, queue: Queue) -> None:
    run_prompt(config, Engine(), validate=True)
    assert queue.status == {"u": "finished"}
    assert all("rm_scores" not in row for row in queue.fields.values())


def test_the_manager_starts_workers_that_vote(config: Any) -> None:
    manager = ConsensusAgentLoopManager(config, llm_client=None)
    base = manager.agent_loop_workers_class.__ray_actor_class__
    assert base is integration.ConsensusAgentLoopWorker
    from verl.utils.import_utils import load_class_from_fqn

    assert load_class_from_fqn(MANAGER, "AgentLoopManager") is ConsensusAgentLoopManager


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, r"\+ttrl.benchmark=aime24"),
        (None, r"\+ttrl.benchmark=aime24"),
        ({"benchmark": "arithmetik"}, "arithmetic"),
        ({**ARITHMETIC, "reward": "majorty"}, "majority"),
        ({**ARITHMETIC, "reward": "held"}, "remembers earlier votes"),
        (
            {**ARITHMETIC, "reward": "ddrl"},
            "gives advantages of its own, but the trainers of verl",
        ),
        ({**ARITHMETIC, "reward": "scrl"}, "needs statistics of each token"),
        ({**ARITHMETIC, "rewrd": "oracle"}, "Did you mean 'reward'"),
        ({**ARITHMETIC, "thinking": "false"}, "ttrl.thinking must be true or false"),
    ],
)
def test_what_cannot_work_is_said_before_anything_starts(settings: Any, message: str) -> None:
    with pytest.raises(Exception, match=message):
        QuestionVotes(settings)


def test_a_vote_is_a_function_of_the_step_and_the_question() -> None:
    votes = QuestionVotes({**ARITHMETIC, "reward": "random"})
    completions = [Completion(r"\boxed{7}")] * 64
    first, again, later = (
        [reward for reward, _ in votes.vote("train-0-L1-000", position, completions)]
        for position in (5, 5, 6)
    )
    assert first == again != later


def test_a_group_that_abstains_earns_nothing() -> None:
    votes = QuestionVotes({**ARITHMETIC, "reward": "majority(min_ratio=0.9)"})
    rewarded = votes.vote("train-0-L1-000", 0, [Completion(text) for text in SAID])
    assert [reward for reward, _ in rewarded] == [0] * VOTES
    assert {logged["abstained"] for _, logged in rewarded} == {1.0}


def test_sessions_wait_for_each_other_and_fail_together() -> None:
    calls: list[list[str]] = []

    def vote(completions: list[Completion]) -> list[Any]:
        calls.append(list(completions))
        return [(float(len(text)), {}) for text in completions]

    async def run(sizes: list[int], broken: bool = False) -> list[Any]:
        group = GroupVote(3, vote)
        waiting = [group.reward_of(session, Completion("x" * session)) for session in sizes]
        if broken:
            asyncio.get_running_loop().call_later(0.01, group.fail, "gone")
        return await asyncio.gather(*waiting, return_exceptions=True)

    assert [reward for reward, _ in asyncio.run(run([2, 0, 1]))] == [2, 0, 1]
    assert calls == [["", "x", "xx"]]
    errors = asyncio.run(run([2, 0], broken=True))
    assert all("there is no vote: gone" in str(error) for error in errors)
    assert len(calls) == 1


def test_a_session_that_fails_during_the_vote_makes_all_fail() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def vote(completions: list[Completion]) -> list[Any]:
        begun.set()
        go_on.wait()
        return [(1.0, {}) for _ in completions]

    async def run() -> list[Any]:
        group = GroupVote(2, vote)
        waiting = [asyncio.create_task(group.reward_of(n, Completion("x"))) for n in range(2)]
        await asyncio.to_thread(begun.wait)
        group.fail("cancelled")
        go_on.set()
        return await asyncio.gather(*waiting, return_exceptions=True)

    errors = asyncio.run(run())
    assert all("there is no vote: cancelled" in str(error) for error in errors)


def test_a_sum_of_rewards_can_be_used() -> None:
    votes = QuestionVotes({**ARITHMETIC, "reward": "majority + 0.1*format_only"})
    rewarded = votes.vote("train-0-L1-000", 0, [Completion(text) for text in SAID])
    assert [reward for reward, _ in rewarded] == [1.1, 1.1, 0.1, 0]


def test_a_file_of_questions_has_labels_only_where_asked(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    benchmark = load_benchmark("arithmetic", size=5)
    blind = pq.read_table(write_questions(benchmark, tmp_path / "train.parquet")).to_pylist()
    known = pq.read_table(
        write_questions(benchmark, tmp_path / "test.parquet", labels=True)
    ).to_pylist()
    assert {row["reward_model"]["ground_truth"] for row in blind} == {""}
    assert [row["extra_info"]["question_id"] for row in blind] == [
        question.id for question in benchmark.questions
    ]
    for row in known:
        label = row["reward_model"]["ground_truth"]
        assert compute_score("ttrl", rf"\boxed{{0{label}}}", label, row["extra_info"]) == 1
        assert compute_score("ttrl", "no idea", label, row["extra_info"]) == 0
        assert compute_score("ttrl", rf"\boxed{{{label}}}", "", row["extra_info"]) == 0


def test_choices_are_graded_by_their_letters() -> None:
    known = {"answer_format": "choice", "options": np.array(["four", "five"], dtype=object)}
    assert compute_score("ttrl", "The answer is (B).", "B", known) == 1
    assert compute_score("ttrl", "The answer is (A).", "B", known) == 0


def test_a_guess_inside_a_thought_is_not_graded_where_the_template_opens_one() -> None:
    from verl.trainer.ppo.reward import get_custom_reward_fn

    name = "reward.custom_reward_function"
    module = "pkg://ttrl_env.integrations.verl"
    options = [f"{name}.path={module}", f"+{name}.reward_kwargs.thinking=true"]
    grade = get_custom_reward_fn(composed(options))
    graded = {
        text: (compute_score("ttrl", text, "7"), grade("ttrl", text, "7"))
        for text in (r"maybe \boxed{7}", r"hm</think>\boxed{7}")
    }
    assert graded == {r"maybe \boxed{7}": (1, 0), r"hm</think>\boxed{7}": (1, 1)}


def test_verl_has_every_option_of_the_recipe(tmp_path: Path) -> None:
    path = Path(__file__).parents[3] / "examples" / "verl_grpo.py"
    spec = importlib.util.spec_from_file_location("verl_grpo", path)
    assert spec is not None
    assert spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    made = composed(example.options(str(TINY), "arithmetic", tmp_path))
    assert QuestionVotes(made.ttrl).benchmark.name == "arithmetic"
    reward = made.reward.custom_reward_function
    from verl.utils.import_utils import load_extern_object

    assert load_extern_object(reward.path, reward.name) is compute_score


def test_a_reward_with_options_is_written_in_quotes() -> None:
    made = composed(["+ttrl.benchmark=arithmetic", "+ttrl.reward='majority(min_ratio=0.3)'"])
    assert QuestionVotes(made.ttrl).estimator == Majority(min_ratio=0.3)


def test_verl_reads_the_file(tmp_path: Path, config: Any) -> None:
    from transformers import AutoTokenizer
    from verl.utils.dataset.rl_dataset import RLHFDataset

    path = write_questions(load_benchmark("arithmetic", size=5), tmp_path / "train.parquet")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    tokenizer = AutoTokenizer.from_pretrained(TINY)
    options = {**config.data, "filter_overlong_prompts": False, "cache_dir": str(tmp_path)}
    from omegaconf import OmegaConf

    rows = RLHFDataset(str(path), tokenizer, OmegaConf.create(options))
    assert len(rows) == 5
    assert rows[3]["extra_info"]["question_id"] == "train-0-L4-000"
    assert rows[3]["index"] == 3
