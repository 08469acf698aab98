"""The memory plan: published sizes, what is chosen, and what is said where nothing fits."""

import json
from dataclasses import replace

import pytest

from ttrl_agents.errors import AgentError
from ttrl_agents.memory.plan import GIB, Need, Settings, plan_memory, predict
from ttrl_agents.memory.shapes import SHAPES, ModelShape, model_shape

H100 = 79.6 * GIB


def need(name, **options):
    return Need(SHAPES[name], **{"memory": H100, "length": 3584, "reference": True, **options})


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("SmolLM2-135M", 134_515_008),
        ("Qwen2.5-0.5B", 494_032_768),
        ("Qwen2.5-1.5B", 1_543_714_304),
        ("Qwen2.5-3B", 3_085_938_688),
        ("Qwen2.5-7B", 7_615_616_512),
        ("Llama-3.1-8B", 8_030_261_248),
        ("Qwen2.5-14B", 14_770_033_664),
        ("Qwen2.5-32B", 32_763_876_352),
    ],
)
def test_the_number_of_weights_is_that_of_the_published_models(name, weights):
    assert SHAPES[name].weights == weights


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        ("Qwen/Qwen2.5-Math-1.5B", "Qwen2.5-1.5B"),
        ("Qwen/Qwen2.5-7B-Instruct", "Qwen2.5-7B"),
        ("meta-llama/Llama-3.1-8B-Instruct", "Llama-3.1-8B"),
        ("Qwen2.5-0.5B", "Qwen2.5-0.5B"),
    ],
)
def test_a_model_on_the_hub_is_known_by_its_name(model, shape):
    assert model_shape(model) == SHAPES[shape]


def test_the_shape_of_a_folder_is_that_of_its_model(random_policy, tmp_path):
    random_policy.save(tmp_path)
    assert model_shape(str(tmp_path)).weights == random_policy.num_parameters
    assert model_shape("tiny").hidden > 0


def test_a_model_of_no_known_shape_is_said_so(tmp_path):
    with pytest.raises(AgentError, match=r"Qwen2\.5-7B, Llama"):
        model_shape("someone/some-model")
    (tmp_path / "config.json").write_text(json.dumps({"hidden_size": 4}))
    with pytest.raises(AgentError, match="does not tell the shape of a decoder"):
        model_shape(str(tmp_path))


def test_large_packs_with_all_layers_kept_come_first():
    plan = plan_memory(need("Qwen2.5-0.5B", engine=True))
    assert plan.settings.micro_batch_tokens == 16_384
    assert not plan.settings.gradient_checkpointing
    assert not plan.settings.engine_sleep


def test_what_does_not_fit_as_it_is_gets_smaller_packs_then_sleep_then_recomputation():
    def settings(gib):
        return plan_memory(need("Qwen2.5-1.5B", engine=True, memory=gib * GIB)).settings

    order = [
        (each.gradient_checkpointing, each.engine_sleep, -each.micro_batch_tokens)
        for each in map(settings, (192, 96, 80, 64, 48))
    ]
    assert order == sorted(order)
    assert order[0] != order[-1]


def test_what_was_given_is_not_touched():
    plan = plan_memory(
        need("Qwen2.5-1.5B", engine=True),
        micro_batch_tokens=4096,
        gradient_checkpointing=True,
        engine_sleep=True,
        engine_gpu_share=0.3,
    )
    assert plan.settings == Settings(4096, True, True, 0.3)


@pytest.mark.parametrize("engine", [False, True])
@pytest.mark.parametrize("rank", [0, 64])
@pytest.mark.parametrize("name", list(SHAPES))
def test_a_plan_fits_or_says_what_would(name, rank, engine):
    asked = need(name, lora_rank=rank, engine=engine)
    if (rank == 0 and asked.shape.weights > 5e9) or asked.shape.weights > 2e10:
        with pytest.raises(AgentError, match=r"GiB are needed at the least.* To make it fit: "):
            plan_memory(asked)
        return
    if "14B" in name and engine:
        with pytest.raises(AgentError, match="--sampler transformers"):
            plan_memory(asked)
        return
    plan = plan_memory(asked)
    assert plan.peak <= H100
    assert 0 <= plan.settings.engine_gpu_share < 1
    if engine:
        cache = plan.sampling["vLLM"] - 2 * asked.shape.weights
        assert cache > 32 * asked.length * asked.shape.cache_per_token * 2


def test_seven_billion_weights_do_not_fit_on_one_card_and_lora_does():
    with pytest.raises(AgentError, match=r"train adapters \(--lora-rank 64\)"):
        plan_memory(need("Qwen2.5-7B"))
    assert plan_memory(need("Qwen2.5-7B", lora_rank=64)).fits


def test_seven_billion_weights_fit_with_8_bit_moments_and_a_reference_in_main_memory():
    with pytest.raises(AgentError, match=r"--optimizer-bits 8"):
        plan_memory(need("Qwen2.5-7B", engine=True))
    plan = plan_memory(need("Qwen2.5-7B", engine=True, optimizer_bits=8))
    assert plan.fits
    assert plan.settings.offload_reference
    assert "reference in main memory; 8-bit moments" in plan.summary()
    assert "reference" not in plan.kept
    assert not plan_memory(need("Qwen2.5-0.5B", engine=True)).settings.offload_reference


def test_8_bit_moments_take_eight_bytes_a_weight_and_their_scales():
    shape = SHAPES["Qwen2.5-7B"]
    plan = predict(Need(shape, 1.0, 0, optimizer_bits=8), Settings(10, False))
    sums = plan.learning["gradients"] - 2 * shape.head_weights
    scales = 2 * 4 / 256
    assert sum(plan.kept.values()) + sums == pytest.approx((2 + 2 + 2 + scales + 2) * shape.weights)


def test_parts_of_a_plan_are_those_of_the_definition():
    shape = ModelShape("x", 2, 8, 16, 2, 1, 4, 100, tied=True, qkv_bias=False)
    plan = predict(Need(shape, 1.0, 0, reference=True), Settings(10, False))
    n = shape.weights
    assert plan.kept == {
        "weights": 2 * n,
        "float32 copy of trained weights": 4 * n,
        "moments of AdamW": 8 * n,
        "reference": 2 * n,
    }
    assert plan.learning["gradients"] == 4 * n + 2 * shape.head_weights
    assert not plan.fits


def test_an_engine_that_gpus_share_lets_a_model_fit_that_none_could_sample_alone():
    asked = need("Qwen2.5-32B", engine=True, ranks=16)
    with pytest.raises(AgentError, match=r"among 4 GPUs \(--engine-tensor-parallel 4\)"):
        plan_memory(asked)
    plan = plan_memory(replace(asked, engine_gpus=4))
    assert "over 4 GPUs" in plan.summary()
    assert predict(asked, plan.settings).kept == plan.kept
    wider = plan_memory(replace(asked, engine_gpus=8))
    assert not wider.settings.engine_sleep
    assert wider.settings.engine_gpu_share < plan.settings.engine_gpu_share
