"""The solutions of lesson 5.

Answers to the two questions:

1. The weights are shared. On the many questions whose vote is right, working a problem out is
   rewarded; guesses rarely agree. Once the model works problems out everywhere, questions whose
   first vote was wrong get right completions too, and their vote turns. Where working it out leads
   to the same wrong answer each time, it stays wrong.
2. It would be cheating if labels of the test questions reached the training. TTRL sees only the
   questions. But the result then says how well the model does on *these* questions after studying
   them; for others, look at the held-out result. It rises nearly as much here, so most of what was
   learned is not about single questions.
"""

from collections import Counter

from ttrl_env.consensus import Ballot, Verdict


def my_majority(ballot: Ballot) -> Verdict:
    """The first of the most frequent classes wins."""
    winners = ballot.most_frequent()
    if not winners:
        return Verdict.abstaining(ballot)
    return Verdict(ballot.agreement(winners[0]), pseudo_label=winners[0])


def is_shaky(answers: list[str | None], margin: int) -> bool:
    """Two zeros stand for answers that nobody gave."""
    counts = Counter(answer for answer in answers if answer is not None)
    first, second = sorted([*counts.values(), 0, 0], reverse=True)[:2]
    return first - second <= margin


def count_flips(winners: list[str | None]) -> int:
    """Each winner is compared with the one before it."""
    known = [winner for winner in winners if winner is not None]
    return sum(known[i] != known[i - 1] for i in range(1, len(known)))
