"""Programs that several processes run together, and how a test starts them.

- `in_ranks`: runs programs in so many processes; returns what each of them reported.
- `ROUNDED`, `OF_RANKS`: metrics of such a run that are not those of one process.
- `RUNS`: training runs of a second or two, by what is special about them.

Starting takes seconds, so a test file starts each number of processes once, with all its programs.
"""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

HELPERS = Path(__file__).parent

# Metrics that depend, in their last bits, on how many rows a model runs at once.
ROUNDED = {"kl_start", "log_prob_gap"}
# Metrics that only several ranks have.
OF_RANKS = {"ranks", "idle_share", "sampling_skew"}
# Several micro-batches an update, more than there are ranks, and not a multiple of them.
SMALL_PARTS = {"micro_batch_tokens": 150}
RUNS = {
    "full": SMALL_PARTS,
    "lora": {**SMALL_PARTS, "lora_rank": 4},
    "kl": {**SMALL_PARTS, "kl_coef": 0.01},
    "ppo": {**SMALL_PARTS, "algorithm": "ppo"},
    "checkpointing": {**SMALL_PARTS, "gradient_checkpointing": True},
    "packed": {**SMALL_PARTS, "pack_rows": "yes"},
}


def free_port() -> int:
    """A port at which the ranks of a run can meet."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


def environment_of(rank: int, size: int, port: int) -> dict[str, str]:
    """The environment that torchrun would give to a process."""
    return {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(size),
        "MASTER_ADDR": "localhost",
        "MASTER_PORT": str(port),
    }


def in_ranks(size: int, folder: Path, *programs: str, timeout: float = 900) -> dict[str, list]:
    """Runs programs in so many processes; returns by program what each rank reported."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    path = os.pathsep.join([str(HELPERS), os.environ.get("PYTHONPATH", "")])
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "rank_programs", str(folder), *programs],
            env=environment_of(rank, size, port) | {"PYTHONPATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(size)
    ]
    try:
        said = [each.communicate(timeout=timeout)[0] for each in started]
    finally:
        for each in started:
            each.kill()
    for each, text in zip(started, said, strict=True):
        assert each.returncode == 0, text
    return {
        program: [
            json.loads((folder / f"{program}-{rank}.json").read_text()) for rank in range(size)
        ]
        for program in programs
    }
