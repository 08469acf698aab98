r"""verifiers' own evaluator on questions that nobody labelled, against the tiny reasoner.

The evaluator is that of verifiers, which prime-rl trains with. Two things come from here: the
environment, whose completions of a question vote, and a small server that the tiny reasoner answers
behind. With a model of your own, serve it by vLLM and leave the server out:

    vf-eval ttrl-consensus --env.taskset.benchmark aime24 --env.votes 16 --no-push \
        --client.base-url http://localhost:8000/v1 -m my/model --sampling.temperature 0.6

    pip install 'ttrl-env[verifiers]'
    python examples/verifiers_eval.py
"""

import argparse
import asyncio
import json
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

import numpy as np
from verifiers.v1.cli.eval.runner import run_eval
from verifiers.v1.configs.cli.eval import EvalConfig

from ttrl_agents.policy import load_policy
from ttrl_agents.samplers import SamplingParams, TransformersSampler

VOTES = 8  # completions of one question


class TinyServer(BaseHTTPRequestHandler):
    """Answers requests for chat completions, one at a time."""

    sampler = TransformersSampler(load_policy("tiny", device="cpu"))
    seeds, turn = count(), threading.Lock()

    def do_POST(self) -> None:
        """Samples one completion."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        params = SamplingParams(128, asked["temperature"], asked["top_p"])
        with self.turn:
            prompt = asked["messages"][-1]["content"]
            (said,) = self.sampler.sample([prompt], params, seed=next(self.seeds))
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": str(said)},
            "finish_reason": "stop" if said.finished else "length",
        }
        known = {"id": "0", "object": "chat.completion", "created": 0, "model": "tiny"}
        body = json.dumps({**known, "choices": [choice]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


class Server(ThreadingHTTPServer):
    """A server of which all completions may ask at once."""

    request_queue_size = 256


def main(questions: int) -> None:
    """Evaluates, and prints what the votes say."""
    server = Server(("127.0.0.1", 0), TinyServer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    config = EvalConfig.model_validate(
        {
            "env": {
                "taskset": {"id": "ttrl-consensus", "benchmark": "arithmetic"},
                "votes": VOTES,
                "reward": "majority",
            },
            "model": "tiny",
            "client": {"base_url": f"http://127.0.0.1:{server.server_port}/v1"},
            "sampling": {"temperature": 0.6, "top_p": 0.95},
            "select": {"limit": questions},
            "push": False,
            "rich": None,
            "output_dir": tempfile.mkdtemp(),
        }
    )
    episodes = asyncio.run(run_eval(config))
    traces = [trace for episode in episodes for trace in episode.traces]

    def mean(name: str) -> float:
        return float(np.mean([trace.metrics[name] for trace in traces]))

    print(f"{len(episodes)} questions, {VOTES} completions of each, T 0.6, top-p 0.95")
    print(f"reward, by the votes      {np.mean([trace.reward for trace in traces]):.3f}")
    print(f"votes for the winner      {mean('majority_ratio'):.3f}")
    print(f"right, by the labels      {mean('correct'):.3f}")
    print(f"votes that are right       {mean('vote_correct'):.3f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--questions", type=int, default=20)
    main(parser.parse_args().questions)
