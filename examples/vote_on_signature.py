"""A vote on something else than the answer: on a signature of each completion.

Functional majority voting (arXiv 2604.15618) runs the programs that completions write and lets
those vote together that behave alike. `SignatureVote` is that idea with any signature that you can
compute from a completion: those with equal signatures vote together, and those without one do not
vote. Here the signature is the working: the results that a completion states on its way to the
answer, read and not executed. A guess without working has no vote.

The script lets 16 completions of each question vote both ways, prints how often either majority is
right, and trains with the signature for as many steps as you like.

    pip install 'ttrl-env[agents]'
    python examples/vote_on_signature.py
    python examples/vote_on_signature.py --steps 50
"""

import argparse
import re
from collections import Counter
from collections.abc import Callable, Hashable

import numpy as np

from ttrl_agents.callbacks import ConsoleCallback
from ttrl_agents.config import TrainConfig
from ttrl_agents.policy import load_policy
from ttrl_agents.samplers import SamplingParams, TransformersSampler
from ttrl_agents.trainer import Trainer
from ttrl_benchmarks import load_benchmark
from ttrl_env.consensus import Ballot, Majority, Oracle, Verdict, judge, register_estimator

VOTES, MAX_TOKENS = 16, 128
RESULT = re.compile(r"=\s*(-?\d{1,18})(?!\d)")


def working(text: str) -> Hashable | None:
    """Returns the results that a completion states, in their order; None without any."""
    return tuple(map(int, RESULT.findall(text[:100_000]))) or None


class SignatureVote:
    """Rewards the completions with the most frequent signature.

    It keeps the rules of every reward: it sees no label, and a missing answer earns 0.
    """

    def __init__(self, signature: Callable[[str], Hashable | None] = working) -> None:
        self.signature = signature

    def __call__(self, ballot: Ballot) -> Verdict:
        """Rewards one group."""
        # The answer belongs to the signature, so that whoever votes together answers alike.
        signatures = [
            None if signature is None or answer < 0 else (signature, int(answer))
            for signature, answer in zip(
                map(self.signature, ballot.texts), ballot.classes, strict=True
            )
        ]
        votes = Counter(each for each in signatures if each is not None)
        if not votes:
            return Verdict.abstaining(ballot)
        winner, _ = votes.most_common(1)[0]  # of equals the one that came first
        agree = np.array([each == winner for each in signatures], dtype=np.float64)
        return Verdict(agree, pseudo_label=winner[1])

    def __repr__(self) -> str:
        return f"SignatureVote({self.signature.__name__})"


def compare(seed: int) -> None:
    """Prints how often the majority of answers and that of signatures are right."""
    benchmark = load_benchmark("arithmetic")
    sampler = TransformersSampler(load_policy("tiny", device="cpu"))
    prompts = [benchmark.prompt(each) for each in benchmark.questions for _ in range(VOTES)]
    params = SamplingParams(MAX_TOKENS, temperature=0.6, top_p=0.95)
    completions = sampler.sample(prompts, params, seed=seed)
    label = Oracle(benchmark)  # only to measure
    right = {"answers": 0, "signatures": 0}
    for place, question in enumerate(benchmark.questions):
        group = completions[VOTES * place : VOTES * (place + 1)]
        ballot, by_answer = judge(Majority(), group, question, benchmark)
        truth = label(ballot).pseudo_label
        for name, verdict in (("answers", by_answer), ("signatures", SignatureVote()(ballot))):
            right[name] += truth is not None and verdict.pseudo_label == truth
    for name, count in right.items():
        share = count / len(benchmark)
        print(f"majority of {VOTES} {name:10} right on {share:.1%} of questions, T 0.6, top-p 0.95")


def main(steps: int, seed: int) -> None:
    """Compares the two votes, then trains with the signature."""
    compare(seed)
    if steps:
        register_estimator("working", SignatureVote, summary="agreement on answer and working")
        config = TrainConfig(reward="working", steps=steps, seed=seed, max_tokens=MAX_TOKENS)
        Trainer(config, [ConsoleCallback()]).run()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=0, help="training steps; by default none")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    main(arguments.steps, arguments.seed)
