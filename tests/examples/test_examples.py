"""The examples do what they say. That they run from an installed wheel, `.ci/examples` checks."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ttrl_agents.agent import ResumableAgent
from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.policy.loading import load_policy
from ttrl_agents.rollout import Rollout
from ttrl_agents.samplers import TransformersSampler
from ttrl_agents.trainer import Interrupted, Trainer
from ttrl_benchmarks import load_benchmark
from ttrl_env.consensus import hold_vote

FOLDER = Path(__file__).parents[2] / "examples"


def load(name: str) -> ModuleType:
    """An example as a module; its `main` is not run."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_has_every_example_and_names_an_extra_that_exists() -> None:
    rows = re.findall(r"\| \[(\w+\.py)\].*\| `([\w-]+)` \|", (FOLDER / "README.md").read_text())
    assert sorted(name for name, _ in rows) == sorted(path.name for path in FOLDER.glob("*.py"))
    project = (FOLDER.parent / "pyproject.toml").read_text(encoding="utf-8")
    for name, extra in rows:
        assert re.search(rf"^{extra} = \[", project, re.MULTILINE), extra
        assert f"pip install 'ttrl-env[{extra}]'" in (FOLDER / name).read_text(encoding="utf-8")


ANSWERS = st.sampled_from([r"\boxed{7}", r"\boxed{8}", r"\boxed{-70}", r"\boxed{x}", "no idea"])


@given(texts=st.lists(ANSWERS, min_size=1, max_size=12), data=st.data())
def test_the_custom_reward_keeps_the_rules_of_every_reward(texts: list[str], data: Any) -> None:
    benchmark = load_benchmark("arithmetic", size=5).unlabeled()
    near = load("custom_reward").Near()

    def judge(completions: list[str]) -> Any:
        return near(hold_vote(completions, benchmark.questions[0], benchmark))

    verdict = judge(texts)
    paid = dict(zip(texts, verdict.rewards, strict=True))
    assert paid.get("no idea", 0.0) == 0
    assert all(0 <= reward <= 1 for reward in verdict.rewards)
    if not verdict.abstains:
        assert verdict.rewards.max() == 1
        assert all(reward <= 0.5 for reward in verdict.rewards if reward < 1)
    counts = sorted((texts.count(text) for text in set(texts) - {"no idea"}), reverse=True)
    if counts and (len(counts) == 1 or counts[0] > counts[1]):  # where no order decides a tie
        order = data.draw(st.permutations(range(len(texts))))
        shuffled = judge([texts[i] for i in order])
        assert np.array_equal(shuffled.rewards, verdict.rewards[list(order)])


def test_the_custom_reward_pays_near_misses_more_than_far_ones() -> None:
    benchmark = load_benchmark("arithmetic", size=5)
    texts = [r"\boxed{37}"] * 2 + [r"\boxed{39}", r"\boxed{27}", "no idea"]
    verdict = load("custom_reward").Near(2.0)(hold_vote(texts, benchmark.questions[0], benchmark))
    assert verdict.rewards == pytest.approx([1, 1, 0.25, 1 / 12, 0])


def test_the_file_of_own_questions_is_read(tmp_path: Path) -> None:
    rows = load("own_questions").QUESTIONS
    path = tmp_path / "questions.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    benchmark = load_benchmark("questions", path=path)
    assert (len(benchmark), len(benchmark.labels)) == (16, 4)


def rollout_of(agent: Any, paid: list[float]) -> Rollout:
    benchmark = load_benchmark("arithmetic", size=5)
    prompts = [benchmark.prompt(benchmark.questions[0])] * len(paid)
    completions = agent.act(prompts, step=0)
    return Rollout(prompts, completions, np.array(paid), np.zeros(len(paid), bool), len(paid))


def make_cloning(**options: Any) -> Any:
    config = TrainConfig(max_tokens=48, **options)
    policy = load_policy("tiny", device="cpu")
    return load("custom_agent").VoteCloning(policy, config, TransformersSampler(policy))


def test_the_custom_agent_imitates_what_was_paid_alone() -> None:
    agent = make_cloning()
    assert isinstance(agent, ResumableAgent)
    rollout = rollout_of(agent, [1.0, 0.0, 0.0, 1.0])
    first = agent.learn(rollout)
    assert first["imitated"] == 2
    # Others' completions have no part in it: the same step without them.
    alone = make_cloning()
    kept = [0, 3]
    few = Rollout(
        [rollout.prompts[i] for i in kept],
        [rollout.completions[i] for i in kept],
        rollout.rewards[kept],
        rollout.abstained[kept],
        2,
    )
    assert alone.learn(few)["loss"] == first["loss"]
    for one, other in zip(
        agent.policy.model.parameters(), alone.policy.model.parameters(), strict=True
    ):
        assert torch.equal(one, other)
    later = [agent.learn(rollout)["loss"] for _ in range(3)]  # Adam's first step may overshoot
    assert later[-1] < first["loss"]


def test_the_custom_agent_learns_nothing_where_nothing_was_paid() -> None:
    agent = make_cloning()
    before = [parameter.clone() for parameter in agent.policy.model.parameters()]
    assert agent.learn(rollout_of(agent, [0.0, 0.0]))["imitated"] == 0
    after = agent.policy.model.parameters()
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))


@pytest.mark.slow
def test_a_run_of_the_custom_agent_goes_on_as_if_it_had_never_stopped(tmp_path: Path) -> None:
    agent = load("custom_agent").VoteCloning

    def config(name: str) -> TrainConfig:
        small = {"questions_per_step": 2, "n_votes": 4, "max_tokens": 48, "evaluate": False}
        return TrainConfig(steps=4, output=tmp_path / name, **small)  # type: ignore[arg-type]

    Trainer(config("whole"), agent=agent).run()
    stopped = Trainer(config("parts"), agent=agent)
    step = stopped.envs.step

    def step_once(actions: Any) -> Any:
        stopped.request_stop()
        return step(actions)

    stopped.envs.step = step_once  # type: ignore[method-assign]
    with pytest.raises(Interrupted):
        stopped.run()
    Trainer(config("parts"), resume=True, agent=agent).run()
    weights = [
        (tmp_path / name / "checkpoint" / "model.safetensors").read_bytes()
        for name in ("whole", "parts")
    ]
    assert weights[0] == weights[1]


WORKED = r"3 + 4 = 7\nThe answer is \boxed{7}."


def test_completions_with_the_same_working_vote_together_and_guesses_do_not() -> None:
    module = load("vote_on_signature")
    benchmark = load_benchmark("arithmetic", size=5).unlabeled()
    other = r"2 + 4 = 6 so 6 + 1 = 7: \boxed{7}"
    texts = [r"\boxed{8}", r"\boxed{8}", r"\boxed{8}", WORKED, other, WORKED, "1 + 1 = 2"]
    ballot = hold_vote(texts, benchmark.questions[0], benchmark)
    verdict = module.SignatureVote()(ballot)
    assert verdict.rewards.tolist() == [0, 0, 0, 1, 0, 1, 0]
    assert ballot.answer_of(verdict.pseudo_label) == "7"
    assert module.SignatureVote()(hold_vote(texts[:3], benchmark.questions[0], benchmark)).abstains
    assert module.working("1 + 1 = 2, then 2 - 5 = -3") == (2, -3)
    assert module.working("no sums") is None


@given(texts=st.lists(ANSWERS | st.just(WORKED), min_size=1, max_size=12), data=st.data())
def test_the_vote_on_signatures_keeps_the_rules_of_every_reward(
    texts: list[str], data: Any
) -> None:
    benchmark = load_benchmark("arithmetic", size=5).unlabeled()
    vote = load("vote_on_signature").SignatureVote(len)  # a signature that every text has

    def judged(completions: list[str]) -> Any:
        return vote(hold_vote(completions, benchmark.questions[0], benchmark))

    ballot = hold_vote(texts, benchmark.questions[0], benchmark)
    verdict = judged(texts)
    assert (verdict.rewards[~ballot.answered] == 0).all()
    assert verdict.abstains == (not ballot.answered.any())
    order = data.draw(st.permutations(range(len(texts))))
    assert judged([texts[i] for i in order]).rewards.sum() == verdict.rewards.sum()


@pytest.mark.slow
def test_the_vote_on_signatures_prints_both_majorities(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = load("vote_on_signature")
    monkeypatch.setattr(module, "VOTES", 4)
    module.main(steps=0, seed=0)
    shares = re.findall(
        r"right on ([\d.]+)% of questions, T 0.6, top-p 0.95", capsys.readouterr().out
    )
    assert len(shares) == 2
    assert all(0 < float(share) <= 100 for share in shares)


@pytest.mark.slow
def test_reinforce_and_the_votes_print_what_they_measure(
    capsys: pytest.CaptureFixture[str],
) -> None:
    load("reinforce").main(steps=2, seed=0)
    steps = re.findall(
        r"step +(\d+) +right ([\d.]+) +agree with the majority ([\d.]+)", capsys.readouterr().out
    )
    assert [int(step) for step, _, _ in steps] == [1, 2]
    assert all(0 < float(share) < 1 for _, *shares in steps for share in shares)

    module = load("best_of_n")
    module.VOTES = 4
    module.main("tiny", "TTRL-Arithmetic-v0", 0)
    rows = [
        line.split() for line in capsys.readouterr().out.splitlines() if line[:5].strip().isdigit()
    ]
    assert [int(row[0]) for row in rows] == [1, 2, 4]
    right, mean, any_right = map(float, rows[-1][1:4])
    assert mean < right < any_right
    assert rows[0][1] == rows[0][2] == rows[0][3]  # one vote: all three are the same
