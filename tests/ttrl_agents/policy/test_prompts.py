"""The prompts of questions in tokens: lengths, a fingerprint, and room in the model."""

import pytest

from ttrl_agents.errors import AgentError
from ttrl_agents.policy import prompts
from ttrl_agents.policy.policy import Policy
from ttrl_agents.policy.prompts import check_room, encode_questions
from ttrl_benchmarks import Benchmark, Question, load_benchmark

SHORT, LONG = "1 + 1?", "How many apples are there if " + "one more is put beside them and " * 4


def asking(*texts):
    return Benchmark("mine", tuple(Question(f"q{n}", text) for n, text in enumerate(texts)))


def test_lengths_are_those_of_the_encoded_prompts(random_policy, monkeypatch):
    benchmark = load_benchmark("arithmetic", size=20)
    wanted = [
        len(ids)
        for ids in random_policy.encode_prompts(
            [benchmark.prompt(each) for each in benchmark.questions]
        )
    ]
    whole = encode_questions(random_policy, benchmark)
    assert list(whole.lengths) == wanted
    monkeypatch.setattr(prompts, "_REMEMBERED", 7)  # part by part it is the same
    assert encode_questions(random_policy, benchmark) == whole
    some = encode_questions(random_policy, benchmark, benchmark.questions[3:5])
    assert list(some.lengths) == wanted[3:5]


def test_the_digest_knows_template_questions_and_order(random_policy):
    digest = encode_questions(random_policy, asking(SHORT, LONG)).digest
    assert encode_questions(random_policy, asking(SHORT, LONG)).digest == digest
    assert encode_questions(random_policy, asking(LONG, SHORT)).digest != digest
    tokenizer = random_policy.tokenizer
    own = tokenizer.chat_template
    try:
        tokenizer.chat_template = "Q: {{ messages[0].content }}"
        other = Policy(random_policy.model, tokenizer, "other")
        assert encode_questions(other, asking(SHORT, LONG)).digest != digest
    finally:
        tokenizer.chat_template = own


def test_prompts_that_leave_no_room_are_named_with_the_ways_out(random_policy):
    benchmark = asking(SHORT, SHORT + " ", LONG)
    lengths = encode_questions(random_policy, benchmark).lengths
    room = random_policy.max_length - lengths[2]
    check_room(random_policy, benchmark.questions, lengths, room)
    with pytest.raises(AgentError) as caught:
        check_room(random_policy, benchmark.questions, lengths, room + 1)
    for words in (
        "Prompts that are too long: 1 of 3",
        "question 'q2'",
        f"--max-tokens {room} or fewer",
        f"--max-prompt-tokens {random_policy.max_length - room - 1}, which keeps 2 questions",
    ):
        assert words in str(caught.value)
    with pytest.raises(AgentError, match="--engine-max-length"):
        check_room(random_policy, benchmark.questions, lengths, 20, engine_limit=40)


def test_where_no_question_fits_none_is_left_out(random_policy):
    with pytest.raises(AgentError) as caught:
        check_room(random_policy, asking(LONG).questions, [500], 20)
    assert "--max-prompt-tokens" not in str(caught.value)
    assert "--max-tokens" not in str(caught.value).split("Ways out")[1]


def test_a_prompt_has_a_bound(random_policy, monkeypatch):
    monkeypatch.setattr("ttrl_agents.policy.policy._MOST_CHARACTERS", 100)
    with pytest.raises(AgentError, match="A prompt has 101 characters, more than the 100"):
        random_policy.encode_prompts(["x" * 101])
