r"""Time what an environment step adds to the generation of its completions.

    TTRL_DATA_DIR=... python benchmarks/speed/env_step.py

A step takes 512 completions of 4 kB each: 8 questions of AIME 2024 or MATH-500, 64 votes on each.
A completion is reasoning-like text, new in every step, with formulas and boxes on its way, and
ends in an answer: the label in half of the votes, in the others a label of another question or a
number of its own. Times are of one process, with `LabelMetrics` around it and without. "cold"
empties the memory of answers before every step, so that none is known from the step before.

The share is of a step that generates the same completions at 10,000 tokens/s, with 4 characters a
token. The aim is less than 1 %. Then the resident memory over 10,000 steps of fewer completions.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import sys
import time
from pathlib import Path

import gymnasium as gym
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[1]))

from ttrl_benchmarks import Benchmark, load_benchmark
from ttrl_env import LabelMetrics
from ttrl_env.answers.keys import forget

GROUPS, VOTES, CHARACTERS = 8, 64, 4_000
TOKENS_PER_SECOND, CHARACTERS_PER_TOKEN = 10_000, 4
SENTENCES = (
    "First, let us restate the problem in terms of the unknown $x$.",
    r"Expanding, we get $x^2 - {a}x + {b} = 0$, hence $x = \frac{{{a} \pm \sqrt{{{b}}}}}{{2}}$.",
    r"So the number of ways is $\binom{{{a}}}{{3}} = {b}$, which we keep for later.",
    "Wait, that counts each pair twice, so we should divide by 2.",
    r"For example, \boxed{{{a}}} would be the result if we forgot the corner.",
    r"By symmetry, $\angle ABC = {a}^\circ$ and $\overline{{AB}} = {b}$.",
    "Let me check this again with small numbers. If $n = {a}$, the sum is {b}.",
    r"\[ \sum_{{k=1}}^{{{a}}} k = \frac{{{a} \cdot {b}}}{{2}} \]",
)
ENDINGS = (
    r"Therefore, the final answer is $\boxed{{{answer}}}$.",
    r"Thus the answer is \boxed{{{answer}}}",
    "The final answer is: $\\boxed{{{answer}}}$. I hope it is correct.",
)


def find_data() -> Path:
    """The folder of the benchmark files, which TTRL_DATA_DIR names."""
    named = os.environ.get("TTRL_DATA_DIR")
    if not named or not Path(named).is_dir():
        sys.exit("set TTRL_DATA_DIR to the folder of the benchmark files")
    return Path(named)


def reasoning(rng: np.random.Generator, characters: int) -> str:
    parts: list[str] = []
    length = 0
    while length < characters:
        sentence = SENTENCES[rng.integers(len(SENTENCES))]
        parts.append(sentence.format(a=rng.integers(2, 999), b=rng.integers(2, 9999)))
        length += len(parts[-1]) + 1
    return " ".join(parts)


def completion(rng: np.random.Generator, label: str, others: list[str], characters: int) -> str:
    kind = rng.random()
    answer = label if kind < 0.5 else others[rng.integers(len(others))]
    if kind > 0.75:
        answer = str(rng.integers(10**6))
    ending = ENDINGS[rng.integers(len(ENDINGS))].format(answer=answer)
    # One in thirty runs into the length limit, and says nothing in the end.
    if rng.random() < 1 / 30:
        ending = ""
    return reasoning(rng, characters - len(ending)) + "\n" + ending


def batch(
    rng: np.random.Generator, benchmark: Benchmark, ids: list[str], characters: int
) -> list[str]:
    labels = [benchmark.labels.reveal(question.id) or "" for question in benchmark.questions]
    return [
        completion(rng, benchmark.labels.reveal(each) or "", labels, characters) for each in ids
    ]


def time_steps(name: str, data: Path, steps: int, *, metrics: bool, cold: bool) -> float:
    """The median seconds of a step."""
    benchmark = load_benchmark(name, path=data)
    env_id = {"aime24": "TTRL-AIME24-v0", "math500": "TTRL-MATH500-v0"}[name]
    envs = gym.make_vec(env_id, num_envs=GROUPS * VOTES, group_size=VOTES, benchmark=benchmark)
    envs = LabelMetrics(envs) if metrics else envs
    rng = np.random.default_rng(0)
    _, infos = envs.reset(seed=0)
    times = []
    forget()
    for _ in range(steps):
        texts = batch(rng, benchmark, list(infos["question_id"]), CHARACTERS)
        if cold:
            forget()
        began = time.perf_counter()
        *_, infos = envs.step(texts)
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def resident_bytes() -> int:
    """Memory that the process holds now."""
    status = Path("/proc/self/statm")
    if status.exists():
        return int(status.read_text().split()[1]) * resource.getpagesize()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def memory_over(steps: int, data: Path) -> list[tuple[int, int]]:
    """Resident memory along many steps, after a tenth of them and at the end among others."""
    benchmark = load_benchmark("math500", path=data)
    envs = LabelMetrics(
        gym.make_vec("TTRL-MATH500-v0", num_envs=16, group_size=8, benchmark=benchmark)
    )
    rng = np.random.default_rng(0)
    _, infos = envs.reset(seed=0)
    seen = []
    for step in range(1, steps + 1):
        *_, infos = envs.step(batch(rng, benchmark, list(infos["question_id"]), 400))
        if step % (steps // 10) == 0:
            seen.append((step, resident_bytes()))
    return seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=11, help="steps to take the median of")
    parser.add_argument("--memory-steps", type=int, default=10_000)
    parser.add_argument("--output", type=Path, help="a JSON file for the results")
    options = parser.parse_args()
    data = find_data()
    count = GROUPS * VOTES
    generation = count * CHARACTERS / CHARACTERS_PER_TOKEN / TOKENS_PER_SECOND
    results: dict[str, object] = {"completions": count, "characters": CHARACTERS}
    print(
        f"{count} completions of {CHARACTERS} characters; generating them takes {generation:.1f} s"
    )
    print(
        f"{'benchmark':<10} {'labels':<7} {'answers':<8} {'s/step':>8} {'completions/s':>14} share"
    )
    for name in ("aime24", "math500"):
        for metrics in (False, True):
            for cold in (True, False):
                seconds = time_steps(name, data, options.steps, metrics=metrics, cold=cold)
                share = seconds / (seconds + generation)
                kind = "cold" if cold else "warm"
                row = [name, "seen" if metrics else "sealed", kind]
                print(
                    f"{row[0]:<10} {row[1]:<7} {row[2]:<8} {seconds:8.4f} "
                    f"{count / seconds:14,.0f} {share:.3%}",
                    flush=True,
                )
                results["/".join(row)] = {"seconds": seconds, "share": share}
    if options.memory_steps:
        seen = memory_over(options.memory_steps, data)
        print("resident memory, MB: " + ", ".join(f"{s}: {b / 2**20:.2f}" for s, b in seen))
        results["memory"] = seen
    if options.output:
        options.output.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
