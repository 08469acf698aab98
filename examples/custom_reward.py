"""Your own reward: from the votes of a group to the reward of each.

`Near` treats the majority as the label, as TTRL does, but also gives a small reward to a completion
that just misses it. The script shows the rewards of one group, trains with `Near` and with the
plain majority, and prints both results.

    pip install 'ttrl-env[agents]'
    python examples/custom_reward.py
"""

import argparse

import gymnasium as gym
from rich.progress import track

from ttrl_agents.config import TrainConfig
from ttrl_agents.evaluate import evaluate
from ttrl_agents.learning import make_agent
from ttrl_agents.policy import load_policy
from ttrl_agents.rollout import Rollout
from ttrl_agents.samplers import Sampler, SamplingParams, TransformersSampler, make_sampler
from ttrl_benchmarks import load_benchmark
from ttrl_env import finished_info
from ttrl_env.consensus import Ballot, Majority, Verdict

ENV, MAX_TOKENS = "TTRL-Arithmetic-v0", 128


class Near:
    """Gives 1 for the majority's number, and half of `scale / (scale + distance)` for another.

    It keeps the rules of every reward: it sees no label, and a missing answer earns 0.
    """

    def __init__(self, scale: float = 2.0) -> None:
        self.scale = scale

    def __call__(self, ballot: Ballot) -> Verdict:
        """Rewards one group."""
        verdict = Majority()(ballot)
        consensus = number(ballot.answer_of(verdict.pseudo_label))
        if consensus is None:
            return verdict
        rewards = verdict.rewards.copy()
        for i, answer in enumerate(ballot.answers):
            value = number(answer)
            if rewards[i] == 0 and value is not None:
                rewards[i] = 0.5 * self.scale / (self.scale + abs(value - consensus))
        return Verdict(rewards, verdict.pseudo_label)

    def __repr__(self) -> str:
        return f"Near(scale={self.scale:g})"


def number(answer: str | None) -> int | None:
    """Returns the whole number that an answer is, or None for anything else."""
    digits = (answer or "").strip().removeprefix("-")
    if digits.isascii() and digits.isdigit() and len(digits) < 16:
        return int(answer or "")
    return None


def show(reward: Near) -> None:
    """Prints the rewards of one group."""
    env = gym.make(ENV, group_size=5, reward=reward)
    env.reset(seed=0)
    votes = (r"\boxed{37}", r"\boxed{37}", r"\boxed{38}", r"\boxed{90}", "I do not know.")
    for vote in votes:
        *_, info = env.step(vote)
    for vote, value in zip(votes, info["rewards"], strict=True):
        print(f"{vote:16} is rewarded with {value:.2f}")


def train(reward: str | Near, steps: int, seed: int) -> str:
    """Trains the tiny reasoner; returns how often a completion is right afterwards."""
    config = TrainConfig(env=ENV, steps=steps, seed=seed, max_tokens=MAX_TOKENS)
    policy = load_policy(config.model, device="cpu")
    sampler = make_sampler(policy, config)
    agent = make_agent(policy, config, sampler)
    envs = gym.make_vec(
        ENV,
        num_envs=config.questions_per_step * config.n_votes,
        group_size=config.n_votes,
        reward=reward,
    )
    prompts, _ = envs.reset(seed=seed)
    for step in track(range(steps), description=f"training with {reward}"):
        completions = agent.act(prompts, step)
        following, rewards, *_, infos = envs.step(completions)
        abstained = finished_info(infos)["abstained"]
        agent.learn(Rollout(prompts, completions, rewards, abstained, config.n_votes, step))
        prompts = following
    return measure(sampler, seed)


def measure(sampler: Sampler, seed: int) -> str:
    """Returns how often a completion is right, with an interval; only this reads labels."""
    params = SamplingParams(MAX_TOKENS, temperature=0.6, top_p=0.95)
    result = evaluate(sampler, load_benchmark("arithmetic"), k=8, params=params, seed=seed)
    return str(result.metrics["mean@8"]) if result else "no labels"


def main(steps: int, seed: int) -> None:
    """Shows the reward, then trains with it and with the plain majority."""
    near = Near()
    show(near)
    print()
    start = measure(TransformersSampler(load_policy("tiny", device="cpu")), seed)
    results = {str(reward): train(reward, steps, seed) for reward in ("majority", near)}
    print(f"\nmean@8 at T 0.6, top-p 0.95 with its 95 % interval, before and after {steps} steps")
    for name, right in {"before": start, **results}.items():
        print(f"{name:16} {right}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    main(arguments.steps, arguments.seed)
