"""Where a box ends a completion: the same place however the text comes in pieces."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ttrl_agents.policy.loading import load_policy
from ttrl_agents.samplers import SamplingParams, TransformersSampler
from ttrl_agents.samplers.box_stop import BoxWatch, closers, count_to_box, find_box_end
from ttrl_benchmarks.arithmetic import load
from ttrl_env.answers import extract_answer
from ttrl_env.answers.text.boxes import last_box

PARTS = st.sampled_from(
    [
        "\\boxed{",
        "\\fbox {",
        "\\framebox[2em]{",
        "boxed{",
        "{",
        "}",
        "\\}",
        "\\\\",
        "$",
        "7",
        " ",
        "...",
    ]
)
TEXTS = st.lists(PARTS, max_size=24).map("".join)


@pytest.mark.parametrize(
    ("text", "end"),
    [
        (r"\boxed{7}", 9),
        (r"so \fbox{7}.", 11),
        (r"\boxed{\frac{1}{2}} and \boxed{3}", 19),
        (r"\boxed{\{1,2\}}", 15),
        (r"\boxed{} \boxed{ $ } x", None),
        (r"Fill \boxed{...}: \boxed{\text{answer}}", None),
        (r"\boxed{\ldots} \boxed{\{\}}", 27),
        (r"\boxed{7", None),
        (r"\boxed 7 }", None),
        (r"\boxed{\frac{1}{2}", None),
        (r"a box {of} }}} 7", None),
        (r"}{ \boxed{7}", 12),
        (r"\\boxed{7}", 10),
    ],
)
def test_the_first_box_with_something_in_it_ends(text, end):
    assert find_box_end(text) == end


@given(TEXTS)
def test_what_ends_with_its_box_has_that_answer(text):
    end = find_box_end(text)
    if end is not None:
        assert text[:end].endswith("}")
        assert last_box(text[:end]) is not None
        assert find_box_end(text[: end - 1]) is None


@given(TEXTS, st.data())
@settings(max_examples=200)
def test_pieces_do_not_move_the_end(text, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    edges = [0, *cuts, len(text)]
    pieces = [text[a:b] for a, b in itertools.pairwise(edges)]
    count, end = count_to_box(pieces), find_box_end(text)
    assert (count is None) == (end is None)
    if count is not None:
        assert len("".join(pieces[: count - 1])) < end <= len("".join(pieces[:count]))


def test_a_thought_goes_on_after_its_boxes():
    watch = BoxWatch()
    assert not watch.closes(r"<think>\boxed{1}")
    assert not watch.closes(r"{no}")
    assert watch.closes(r"</think>It is \boxed{2}")


def test_a_long_text_of_braces_costs_little():
    hostile = "\\boxed{" * 50_000 + "{}" * 50_000
    assert find_box_end(hostile) is None


def test_tokens_with_a_brace_are_all_found(tokenizer):
    found = closers(tokenizer.get_vocab())
    with_brace = {i for i in range(len(tokenizer)) if "}" in tokenizer.decode([i])}
    assert found == with_brace
    assert found


@pytest.fixture(scope="module")
def tiny():
    return load_policy("tiny", device="cpu")


def test_completions_are_those_without_it_up_to_the_box(tiny):
    benchmark = load()
    prompts = [benchmark.prompt(each) for each in benchmark.questions[:6] for _ in range(4)]
    sampler = TransformersSampler(tiny)
    plain = sampler.sample(prompts, SamplingParams(64), seed=3)
    cut = sampler.sample(prompts, SamplingParams(64, stop_at_box=True), seed=3)
    shorter = 0
    for whole, part in zip(plain, cut, strict=True):
        n = len(part.token_ids)
        np.testing.assert_array_equal(part.token_ids, whole.token_ids[:n])
        np.testing.assert_allclose(part.log_probs, whole.log_probs[:n], atol=1e-4)
        end = find_box_end(whole)
        assert part == (whole if end is None else whole[: len(part)])
        if end is not None:
            assert find_box_end(tiny.decode([part.token_ids[:-1]])[0]) is None
            assert part.finished
            assert extract_answer(part) == extract_answer(whole[:end])
            assert part.token_ids[-1] not in tiny.end_token_ids
            shorter += n < len(whole.token_ids)
    assert shorter > 12


def test_a_box_that_closes_at_the_length_limit_is_finished(tiny):
    benchmark = load()
    prompts = [benchmark.prompt(benchmark.questions[0])]
    params = SamplingParams(64, 0.0, stop_at_box=True)
    (whole,) = TransformersSampler(tiny).sample(prompts, params, seed=0)
    n = len(whole.token_ids)
    for limit, finished in ((n, True), (n - 1, False)):
        params = SamplingParams(limit, 0.0, stop_at_box=True)
        (found,) = TransformersSampler(tiny).sample(prompts, params, seed=0)
        assert found.finished == finished
        assert len(found.token_ids) == limit
