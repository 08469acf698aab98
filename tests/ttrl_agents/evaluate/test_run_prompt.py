"""The prompt of an evaluation: what its options say, or what the run said."""

import json

import pytest

from ttrl_agents.config.eval_config import EvalConfig
from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.errors import AgentError
from ttrl_agents.evaluate.run_prompt import with_prompt_of_run


def run(folder, **options):
    (folder / "checkpoint").mkdir(parents=True)
    (folder / "checkpoints" / "best" / "model").mkdir(parents=True)
    (folder / "checkpoint" / "config.json").write_text('{"model_type": "llama"}')
    (folder / "config.json").write_text(json.dumps(TrainConfig(**options).to_dict()))
    return folder


@pytest.mark.parametrize("part", ["", "checkpoint", "checkpoints/best", "checkpoints/best/model"])
def test_the_model_of_a_run_is_asked_as_the_run_asked(part, tmp_path):
    folder = run(tmp_path / "run", instruction=" In digits.", template_date="2024-02-29")
    found = with_prompt_of_run(EvalConfig(model=str(folder / part)))
    assert (found.instruction, found.template_date) == (" In digits.", "2024-02-29")


def test_an_instruction_among_the_options_of_the_benchmark_counts(tmp_path):
    folder = run(tmp_path / "run", env_options={"instruction": " Box it."})
    assert with_prompt_of_run(EvalConfig(model=str(folder))).instruction == " Box it."


@pytest.mark.parametrize("options", [{"instruction": ""}, {"env_options": {"instruction": "!"}}])
def test_what_the_options_say_stays(options, tmp_path):
    folder = run(tmp_path / "run", instruction=" In digits.")
    config = EvalConfig(model=str(folder), **options)
    assert with_prompt_of_run(config) == config


def test_other_models_have_no_run(tmp_path):
    (tmp_path / "config.json").write_text("[" * 10**5)
    for model in ("tiny", "Qwen/Qwen2.5-0.5B", str(tmp_path)):
        config = EvalConfig(model=model)
        assert with_prompt_of_run(config) == config


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"instruction": "a", "env_options": {"instruction": "b"}}, "instruction is given twice"),
        ({"template_date": "29.2.2024"}, "--template-date '29.2.2024' is not a date"),
        ({"max_prompt_tokens": 0}, "--max-prompt-tokens must be 1 or more"),
        (
            {"max_prompt_tokens": 9, "sampler": "vllm-server", "url": "http://x"},
            "which a server does not lend",
        ),
    ],
)
def test_options_that_do_not_fit_are_errors(options, message):
    with pytest.raises(AgentError, match=message):
        EvalConfig(**options)
