"""Servers whose answers are not what was asked: each is an error in a sentence, in bounded time."""

import time

import hostile_servers
import pytest
from hostile_servers import GOOD, OddServer, answer_of

from ttrl_agents.errors import AgentError
from ttrl_agents.samplers import SamplingParams
from ttrl_agents.samplers.vllm import json_client
from ttrl_agents.samplers.vllm.server import VLLMServerSampler

PARAMS = SamplingParams(8)


def sample(server, count=1, timeout=20.0):
    sampler = VLLMServerSampler(server.url, timeout=timeout)
    try:
        return sampler.sample(["1 + 6?"] * count, PARAMS, seed=0)
    finally:
        sampler.close()


@pytest.mark.parametrize("what", hostile_servers.ODD_CHOICES)
def test_an_odd_answer_is_an_error_in_one_sentence(what):
    content, said = hostile_servers.ODD_CHOICES[what]
    with OddServer(lambda path, body: content) as server, pytest.raises(AgentError) as caught:
        sample(server)
    assert said in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("what", hostile_servers.ODD_MODELS)
def test_an_odd_list_of_models_is_an_error_in_one_sentence(what):
    content, said = hostile_servers.ODD_MODELS[what]
    with OddServer(models=content) as server, pytest.raises(AgentError) as caught:
        VLLMServerSampler(server.url)
    assert said in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("content", [None, "", []])
def test_an_answer_without_text_is_an_empty_completion(content):
    choice = {"message": {"content": content}, "finish_reason": "stop"}
    with OddServer(lambda path, body: answer_of(choice)) as server:
        (completion,) = sample(server)
    assert (completion, completion.finished) == ("", True)


def test_a_server_that_ignores_n_is_asked_again_with_other_seeds():
    with OddServer() as server:
        assert sample(server, 3) == ["7", "7", "7"]
        assert [body["n"] for body in server.asked] == [3, 2, 1]
        first = server.asked[0]["seed"]
        assert [body["seed"] for body in server.asked] == [first, first + 1, first + 2]


def test_more_completions_than_were_asked_for_are_dropped():
    many = answer_of(*({**GOOD, "message": {"content": str(n)}} for n in range(9)))
    with OddServer(lambda path, body: many) as server:
        assert sample(server, 2) == ["0", "1"]


def test_parts_of_a_text_are_joined_and_halves_of_characters_replaced():
    choice = {"message": {"content": [{"type": "text", "text": "1\ud800"}, "2"]}}
    with OddServer(lambda path, body: answer_of(choice)) as server:
        assert sample(server) == ["1?2"]


def test_tokens_that_do_not_match_are_unknown():
    content = [{"token": "7", "logprob": -1}]
    odd = {**GOOD, "token_ids": [5, 6], "logprobs": {"content": content}}
    with OddServer(lambda path, body: answer_of(odd)) as server:
        (completion,) = sample(server)
    assert completion.token_ids is None
    assert completion.log_probs is None


@pytest.mark.parametrize("models", [True, False])
def test_a_drip_of_bytes_ends_with_the_time(models, monkeypatch):
    monkeypatch.setattr(json_client, "_ATTEMPTS", 1)
    began = time.monotonic()
    drips = {"models": hostile_servers.drip()} if models else {}
    with (
        OddServer(lambda path, body: hostile_servers.drip(), **drips) as server,
        pytest.raises(AgentError, match=r"no whole answer within 0\.5 seconds"),
    ):
        sample(server, timeout=0.5)
    assert time.monotonic() - began < 30


def test_a_flood_and_a_bomb_end_with_the_size(monkeypatch):
    monkeypatch.setattr("ttrl_agents.samplers.vllm.server._SMALL_ANSWER", 4 * 2**20)
    for server in (
        OddServer(lambda path, body: hostile_servers.flood()),
        OddServer(lambda path, body: hostile_servers.bomb(), encoding="gzip"),
    ):
        with server, pytest.raises(AgentError, match=r"longer than the 4,202,496 bytes"):
            sample(server)


def test_what_is_not_compressed_as_it_says_is_an_error():
    with (
        OddServer(lambda path, body: answer_of(GOOD), encoding="gzip") as server,
        pytest.raises(AgentError, match="answers what cannot be read"),
    ):
        sample(server)


def test_the_words_of_a_refusal_do_not_steer_the_terminal():
    with (
        OddServer(lambda path, body: b"\x1b]0;owned\x07\x1b[31mno" * 9999, status=400) as server,
        pytest.raises(AgentError, match=r"refused \(status 400\): \\x1b\]0;owned") as caught,
    ):
        sample(server)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 700
