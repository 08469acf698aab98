"""How much do votes help, before anything is trained?

Samples 64 completions of each question, and lets the first 1, 2, 4, ... of them vote. TTRL learns
from the vote being right more often than a single completion; the share of questions with some
right completion shows how far it could go.

    pip install 'ttrl-env[agents]'
    python examples/best_of_n.py
"""

import argparse

import gymnasium as gym

import ttrl_env
from ttrl_agents.policy import load_policy
from ttrl_agents.samplers import SamplingParams, TransformersSampler

VOTES = 64


def main(model: str, env_id: str, seed: int) -> None:
    """Samples once, and votes with more and more completions."""
    policy = load_policy(model)
    sampler, params = TransformersSampler(policy), SamplingParams(256, 0.6, 0.95)
    env = gym.make(env_id)
    questions = len(env.unwrapped.benchmark)

    def make(votes: int) -> gym.vector.VectorEnv:
        envs = gym.make_vec(env_id, num_envs=questions * votes, group_size=votes)
        return ttrl_env.LabelMetrics(envs)

    prompts, _ = make(VOTES).reset(seed=seed)  # every question once, 64 times side by side
    print(f"sampling {len(prompts)} completions at T 0.6, top-p 0.95", flush=True)
    completions = sampler.sample(prompts, params, seed=seed)

    print("\nvotes  vote right  a completion right  one of them right  share of the winner")
    votes = 1
    while votes <= VOTES:
        envs = make(votes)
        envs.reset(seed=seed)  # the same seed gives the same order of questions
        *_, infos = envs.step([text for i, text in enumerate(completions) if i % VOTES < votes])
        seen = ttrl_env.finished_info(infos)
        columns = ("majority_accuracy", "ground_truth_ratio", "pass_at_k", "majority_ratio")
        right, mean, any_right, share = (seen[name].mean() for name in columns)
        print(f"{votes:5}{right:12.2f}{mean:20.2f}{any_right:19.2f}{share:21.2f}")
        votes *= 2


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="tiny", help="what `ttrl train --model` takes")
    parser.add_argument("--env", default="TTRL-Arithmetic-v0")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    main(arguments.model, arguments.env, arguments.seed)
