"""Which questions a run asks: a benchmark's own options, its held-out split, its longest prompt."""

import json

import pytest
from small_runs import small

from ttrl_agents.config.name_value import parse_key_values
from ttrl_agents.errors import AgentError
from ttrl_agents.run.env_questions import held_out_split, questions_of
from ttrl_agents.trainer import Trainer
from ttrl_benchmarks import BenchmarkError, UnknownNameError


def texts(benchmark):
    return {question.text for question in benchmark.questions}


def test_options_reach_the_benchmark_and_its_held_out_split(tmp_path):
    trainer = Trainer(small(tmp_path / "run", env_options={"size": 20, "seed": 3}))
    assert len(trainer.benchmark) == len(trainer.held_out) == 20
    assert trainer.held_out.name == "arithmetic-held_out"
    assert not texts(trainer.benchmark) & texts(trainer.held_out)
    assert texts(trainer.benchmark) == texts(
        questions_of("TTRL-Arithmetic-v0", options={"size": 20, "seed": 3})
    )


@pytest.mark.parametrize(("words", "levels"), [(["level=3"], {3}), (["levels=[1,2]"], {1, 2})])
def test_levels_from_the_command_line_are_those_of_both_splits(tmp_path, words, levels):
    trainer = Trainer(small(tmp_path / "run", env_options=parse_key_values([*words, "size=20"])))
    for benchmark in (trainer.benchmark, trainer.held_out):
        assert len(benchmark) == 20
        assert {question.level for question in benchmark.questions} == levels


def test_who_trains_on_the_held_out_split_has_none_left(tmp_path):
    trainer = Trainer(small(tmp_path / "run", env_options={"split": "held_out"}))
    assert trainer.benchmark.name == "arithmetic-held_out"
    assert trainer.held_out is None


def test_a_benchmark_without_such_a_split_holds_out_a_share(tmp_path):
    file = tmp_path / "questions.json"
    file.write_text(json.dumps([{"question": f"What is {n} plus 1?"} for n in range(10)]))
    options = {"env": "TTRL-Questions-v0", "data": file}
    assert Trainer(small(tmp_path / "run", **options)).held_out is None
    trainer = Trainer(small(tmp_path / "run", held_out=0.3, **options))
    assert (len(trainer.benchmark), len(trainer.held_out)) == (7, 3)


def test_an_instruction_replaces_the_benchmarks(tmp_path):
    for instruction in ("", " Go."):
        trainer = Trainer(small(tmp_path / "run", instruction=instruction))
        for benchmark in (trainer.benchmark, trainer.held_out):
            question = benchmark.questions[0]
            assert benchmark.prompt(question) == question.text + instruction


def test_questions_with_long_prompts_are_left_out_and_counted(tmp_path):
    everything = Trainer(small(tmp_path / "run"))
    policy, benchmark = everything.policy, everything.benchmark
    prompts = [benchmark.prompt(question) for question in benchmark.questions]
    lengths = sorted(map(len, policy.encode_prompts(prompts)))
    limit = lengths[len(lengths) // 2]
    trainer = Trainer(small(tmp_path / "run", max_prompt_tokens=limit))
    fit = sum(length <= limit for length in lengths)
    assert 0 < fit < len(lengths)
    assert (len(trainer.benchmark), trainer.left_out) == (fit, len(lengths) - fit)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"env_options": {"sise": 3}}, "Known: level, levels, seed, size, split"),
        ({"env_options": {"size": "3"}}, "size='3'"),
        ({"env_options": {"level": 7}}, "levels 1 to 5, not 7"),
        ({"env_options": {"level": 1, "levels": [2]}}, "give one of them"),
        ({"env_options": {"reward": "oracle"}}, "reward is the environment's"),
        ({"env_options": {"benchmark": "aime24"}}, "benchmark is the environment's"),
        ({"env_options": {"instruction": "a"}, "instruction": "b"}, "instruction is given twice"),
        ({"env_options": {"path": "a"}, "data": "b"}, "path is given twice"),
        ({"env": "CartPole-v1", "env_options": {"size": 3}}, "refuses --env-options"),
        ({"data": "mine.json"}, "--data mine.json was given; .* --env TTRL-Questions-v0 too"),
        ({"env": "TTRL-Questions-v0"}, "asks questions of a file; name it with --data FILE"),
    ],
)
def test_options_that_do_not_fit_are_refused(tmp_path, options, message):
    with pytest.raises((AgentError, BenchmarkError, UnknownNameError), match=message):
        Trainer(small(tmp_path / "run", **options))


def test_only_a_benchmark_with_splits_takes_one():
    assert questions_of("TTRL-Arithmetic-v0", split="held_out").name == "arithmetic-held_out"
    assert held_out_split("CartPole-v1") is None
    with pytest.raises(AgentError, match="no split of its own"):
        questions_of("TTRL-AIME24-v0", split="held_out")
    with pytest.raises(UnknownNameError, match="Did you mean"):
        questions_of("TTRL-AIME42-v0")
