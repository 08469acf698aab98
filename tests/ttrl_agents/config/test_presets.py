"""The presets against the table of the paper's settings, field by field."""

import itertools
import json

import pytest

from ttrl_agents.config.presets import PAPER_BENCHMARKS, PAPER_FAMILIES, family_of, preset_config
from ttrl_agents.config.schedule import rate_factor
from ttrl_agents.config.train_config import TrainConfig
from ttrl_benchmarks import PAPER_INSTRUCTION, UnknownNameError, benchmark_card

# Of every run, whatever the benchmark and the model.
COMMON = {
    "reward": "majority",
    "n_votes": 64,
    "n_train": 32,
    "learning_rate": 5e-7,
    "schedule": "warmup-cosine",
    "adam_beta2": 0.999,
    "weight_decay": 0.01,
    "max_grad_norm": 1.0,
    "algorithm": "grpo",
    "epochs": 1,
    "aggregation": "token",
    "scale_by_std": True,
    "clip_low": 0.2,
    "clip_high": 0.2,
    "dual_clip": 3.0,
    "kl_in": "loss",
    "kl_estimator": "k3",
    "kl_coef": 0.001,
    "eval_temperatures": (0.6,),
    "eval_top_p": 0.95,
    "eval_every": 2,
    "lora_rank": 0,
}
# environment, prompts a step, longest prompt, steps = whole batches in a pass x passes, warm-up
BENCHMARKS = {
    "paper/aime24": ("TTRL-AIME24-v0", 8, 512, 3 * 80, 7),
    "paper/amc": ("TTRL-AMC-v0", 8, 1024, 10 * 30, 9),
    "paper/math500": ("TTRL-MATH500-v0", 32, 1024, 15 * 10, 4),
    "paper/gpqa": ("TTRL-GPQA-v0", 16, 2048, 12 * 20, 7),  # ours
}
# temperature, instruction, tokens of a completion, completions in evaluation
MODELS = {
    "Qwen/Qwen2.5-Math-1.5B": ("qwen2.5-math", 1.0, "", 3072, 16),
    "Qwen/Qwen2.5-Math-7B": ("qwen2.5-math", 1.0, "", 3072, 16),
    "Qwen/Qwen2.5-7B": ("instruct", 0.6, None, 3072, 16),
    "Qwen/Qwen2.5-32B": ("instruct", 0.6, None, 3072, 16),
    "meta-llama/Llama-3.1-8B-Instruct": ("instruct", 0.6, None, 3072, 16),
    "mistralai/Ministral-8B-Instruct-2410": ("instruct", 0.6, None, 3072, 16),
    "deepseek-ai/deepseek-math-7b-instruct": ("instruct", 0.6, None, 3072, 16),
    "Skywork/Skywork-OR1-Math-7B": ("reasoning", 1.0, None, 32_768, 4),
    "deepseek-ai/DeepSeek-R1-Distill-Llama-8B": ("reasoning", 1.0, None, 32_768, 4),
    "Qwen/Qwen3-8B": ("reasoning", 1.0, None, 32_768, 4),
}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("preset", BENCHMARKS)
def test_a_preset_is_the_table_of_the_paper(preset, model):
    env, prompts, max_prompt_tokens, steps, warmup = BENCHMARKS[preset]
    family, temperature, instruction, max_tokens, eval_k = MODELS[model]
    wanted = COMMON | {
        "preset": preset,
        "family": family,
        "model": model,
        "env": env,
        "questions_per_step": prompts,
        "minibatches": prompts,  # one question an update
        "max_prompt_tokens": max_prompt_tokens,
        "steps": steps,
        "warmup_steps": warmup,
        "temperature": temperature,
        "instruction": instruction,
        "max_tokens": max_tokens,
        "eval_k": eval_k,
    }
    config = preset_config(preset, model=model)
    assert {name: getattr(config, name) for name in wanted} == wanted
    rest = set(TrainConfig().to_dict()) - set(wanted)
    defaults = TrainConfig().to_dict()
    changed = {name for name in rest if config.to_dict()[name] != defaults[name]}
    assert not changed, "a field that the table does not speak of"


def test_rollouts_and_updates_add_up_to_the_papers():
    # One update a question: 8 or 32 in a step.
    for preset, updates, rollouts in (
        ("paper/aime24", 1_920, 122_880),
        ("paper/amc", 2_400, 153_600),
        ("paper/math500", 4_800, 307_200),
    ):
        config = preset_config(preset)
        assert config.steps * config.minibatches == updates
        assert config.steps * config.questions_per_step * config.n_votes == rollouts


def test_the_benchmarks_own_instruction_is_the_papers():
    for row in PAPER_BENCHMARKS.values():
        assert benchmark_card(row.benchmark).instruction == PAPER_INSTRUCTION


@pytest.mark.parametrize("family", PAPER_FAMILIES)
def test_the_family_can_be_given(family):
    assert preset_config("paper/amc", model="tiny", family=family).family == family


@pytest.mark.parametrize(
    ("files", "family"),
    [
        ({"config.json": {"_name_or_path": "Qwen/Qwen2.5-Math-1.5B"}}, "qwen2.5-math"),
        ({"config.json": {}, "chat_template.jinja": r"put it in \\boxed{}"}, "qwen2.5-math"),
        ({"tokenizer_config.json": {"chat_template": "<think>\n"}}, "reasoning"),
        ({"chat_template.jinja": "{{ messages }}"}, "instruct"),
        ({"config.json": {"_name_or_path": "Qwen/Qwen3-4B-Instruct-2507"}}, "instruct"),
        ({}, "instruct"),
    ],
)
def test_the_family_of_a_folder_is_read_off_its_files(tmp_path, files, family):
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (tmp_path / name).write_text(text)
    assert family_of(str(tmp_path)) == family


def test_the_folder_that_a_model_lies_in_says_nothing_of_it():
    assert family_of("/data/reasoning/llama-3.1-8b-instruct") == "instruct"
    assert family_of("thinking-lab/Llama-3.1-8B") == "instruct"
    assert family_of("thinking/DeepSeek-R1-Distill-Llama-8B/q8.gguf") == "reasoning"
    assert family_of("thinking/llama/q8.gguf") == "instruct"


def test_what_is_no_preset_is_said_so():
    with pytest.raises(UnknownNameError, match="Did you mean 'paper/math500'"):
        preset_config("paper/math")
    with pytest.raises(UnknownNameError, match="family"):
        preset_config("paper/amc", family="llama")


def test_the_papers_rate_begins_at_0_peaks_after_the_warm_up_and_ends_at_0():
    rates = [rate_factor("warmup-cosine", step, 240, 7) for step in range(241)]
    assert rates[:8] == pytest.approx([k / 7 for k in range(8)])
    assert rates[7 + 233 // 2] == pytest.approx(0.5, abs=0.01)
    assert rates[240] == 0
    assert all(a > b for a, b in itertools.pairwise(rates[7:]))


def test_the_other_schedules_are_what_they_were():
    assert [rate_factor("constant", step, 10, 4) for step in range(6)] == [0.25, 0.5, 0.75, 1, 1, 1]
    assert rate_factor("cosine", 0, 10, 1) == 1
    assert rate_factor("cosine", 5, 10, 1) == pytest.approx(0.5)
    assert rate_factor("warmup-cosine", 0, 0, 0) == 1  # a run of no steps
