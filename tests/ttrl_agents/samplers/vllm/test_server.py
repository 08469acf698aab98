"""The client of a vLLM server where the server is slow; tests/with_vllm has a real one."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ttrl_agents.samplers import SamplingParams
from ttrl_agents.samplers.vllm.server import VLLMServerSampler

ANSWER = {"choices": [{"message": {"content": "7"}, "finish_reason": "stop"}]}


class Handler(BaseHTTPRequestHandler):
    """Answers at once, but what asks for "slow" only when the test is over."""

    def do_GET(self):
        self.answer({"data": [{"id": "one"}]})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        prompt = body["messages"][0]["content"]
        self.server.asked.append(prompt)
        if "slow" in prompt:
            self.server.over.wait(60)
        self.answer(ANSWER)

    def answer(self, message):
        data = json.dumps(message).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.daemon_threads, made.over, made.asked = True, threading.Event(), []
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.over.set()
    made.shutdown()
    made.server_close()


def test_an_interrupt_waits_for_no_answer(server):
    sampler = VLLMServerSampler(f"http://127.0.0.1:{server.server_port}")
    began = time.monotonic()

    def interrupt(count):
        raise KeyboardInterrupt

    # More than are asked at once: those that were not asked yet are not asked any more.
    prompts = ["quick", *(f"slow {i}" for i in range(100))]
    with pytest.raises(KeyboardInterrupt):
        sampler.sample(prompts, SamplingParams(4), seed=0, progress=interrupt)
    assert time.monotonic() - began < 30
    server.over.set()
    for thread in threading.enumerate():
        if thread.name == "vllm-server request":
            thread.join(30)
    assert len(server.asked) < 80
    sampler.close()
