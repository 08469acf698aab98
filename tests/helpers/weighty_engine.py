"""An engine that takes weights and gives made-up completions, for tests of what surrounds it.

The engine of rank 1, or of rank 0 if it is the only one, dies once: before its second draw, or
while it takes weights for the second time, as `TTRL_TEST_ENGINE_DIES` says.
"""

import os
import signal
import sys
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import torch

from ttrl_agents.samplers.vllm.process import Channel, end_with
from ttrl_agents.samplers.vllm.shared_buffer import attach
from ttrl_agents.samplers.vllm.weight_stream import WeightReceiver, read_sums, sum_of_words

COUNTS = Counter()


def load(channel, buffer):
    """Takes all weights, and compares them with what was sent."""

    def ask():
        channel.send({"more": True})
        return channel.receive()[0]

    receiver = WeightReceiver(buffer, torch.device("cpu"), ask)
    for k, _ in enumerate(receiver):
        if k == 2:
            die_once("load")
    assert receiver.expected == dict(
        zip(receiver.sums, read_sums(list(receiver.sums.values())), strict=True)
    )
    return {"proved": len(receiver.sums), "packed": 0}


def die_once(when):
    COUNTS[when] += 1
    died = Path(os.environ["TTRL_TEST_ENGINE_DIED"])
    due = os.environ["TTRL_TEST_ENGINE_DIES"] == when and COUNTS[when] == 2
    if due and os.environ["RANK"] == os.environ["TTRL_TEST_ENGINE_OF"] and not died.exists():
        died.touch()
        os.kill(os.getpid(), signal.SIGKILL)


def main():
    connection = Connection(int(sys.argv[1]))
    end_with(connection, Path(sys.argv[2]))
    channel, buffer = Channel(connection), None
    while True:
        try:
            message, _ = channel.receive()
        except EOFError:
            return
        command, answer, results = message["command"], {}, []
        if command == "share":
            buffer = attach(message["buffer"])
            answer = {"sum": read_sums([sum_of_words(buffer[: message["bytes"]])])[0]}
        elif command == "load":
            answer = load(channel, buffer)
        elif command == "sample":
            die_once("sample")
            rows = sum(message["counts"])
            results = [
                np.arange(rows, dtype=np.int64) % 7 + 20,
                np.full(rows, -1.0, np.float32),
                np.ones(rows, np.int64),
                np.zeros(rows, np.bool_),
            ]
        channel.send(answer, results)


if __name__ == "__main__":
    main()
