"""Your own questions: from a file without labels to a trained model.

Writes a small JSON Lines file as you would, makes an environment of it, and trains on it. Only
the last four questions have a label; the model learns from the others just the same, since labels
are used only to measure.

    pip install 'ttrl-env[agents]'
    python examples/own_questions.py
    python examples/own_questions.py --data my-questions.jsonl --model Qwen/Qwen2.5-0.5B-Instruct
"""

import argparse
import json
import tempfile
from pathlib import Path

import gymnasium as gym

from ttrl_agents.callbacks import ConsoleCallback
from ttrl_agents.config import TrainConfig
from ttrl_agents.trainer import Trainer
from ttrl_benchmarks import BenchmarkCard, load_benchmark, register_benchmark

# Worded as in the training of the tiny reasoner; a larger model knows more wordings.
QUESTIONS = [
    {"question": "What is 18 plus 27?"},
    {"question": "What is 43 minus 19?"},
    {"question": "What is 7 times 8?"},
    {"question": "Mia has 26 shells and finds 15 more. How many shells does Mia have now?"},
    {"question": "Tom had 41 cards and gave 17 of them to Ana. How many are left?"},
    {"question": "There are 9 jars with 6 beads in each. How many beads is that?"},
    {"question": "Raj read 38 pages on Monday and 57 pages on Tuesday. How many pages is that?"},
    {"question": "A shop had 83 plums and sold 36 of them. How many plums are left?"},
    {"question": "Zoe shares 56 stamps equally among 8 friends. How many does each friend get?"},
    {"question": "What is 14 plus 33 minus 12?"},
    {"question": "What is 6 times 7, plus 25?"},
    {"question": "What is the sum of 8 and 5, multiplied by 4?"},
    {"question": "What is 29 plus 34?", "answer": "63"},
    {"question": "Ben has 17 coins and finds 24 more. How many coins does Ben have now?",
     "answer": "41"},
    {"question": "A bus carries 38 people. At a stop 9 get off and 14 get on. How many are on the "
     "bus?", "answer": "43"},
    {"question": "Lena picked 22 pears, Omar picked 19, and they ate 8. How many are left?",
     "answer": "33"},
]  # fmt: skip


def main(data: Path | None, model: str, steps: int, seed: int) -> None:
    """Writes the file, makes an environment of it, and trains."""
    folder = Path(tempfile.mkdtemp(prefix="own-questions-"))
    if data is None:
        data = folder / "questions.jsonl"
        data.write_text("".join(json.dumps(row) + "\n" for row in QUESTIONS), encoding="utf-8")

    # The instruction goes behind each question; the paper's own is the default.
    instruction = "\nPut the answer in \\boxed{}."
    benchmark = load_benchmark("questions", path=data, instruction=instruction)
    print(f"{data}: {len(benchmark)} questions, {len(benchmark.labels)} of them with a label")

    # Your own name and id, for gym.make, gym.make_vec and the trainer.
    card = BenchmarkCard("mine", "My questions", "Mine/Questions-v0", benchmark.answer_format)
    register_benchmark(card, lambda: benchmark)
    prompt, _ = gym.make("Mine/Questions-v0", group_size=4).reset(seed=seed)
    print(f"one prompt: {prompt!r}")

    config = TrainConfig(
        env="Mine/Questions-v0",
        model=model,
        steps=steps,
        seed=seed,
        max_tokens=128,
        output=folder / "run",
    )
    Trainer(config, [ConsoleCallback()]).run()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="JSON, JSONL, CSV or Parquet with questions")
    parser.add_argument("--model", default="tiny", help="what `ttrl train --model` takes")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    main(arguments.data, arguments.model, arguments.steps, arguments.seed)
