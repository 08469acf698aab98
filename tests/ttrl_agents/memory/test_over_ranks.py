"""The memory plan of a run on several GPUs."""

from dataclasses import replace

import pytest

from ttrl_agents.config import TrainConfig
from ttrl_agents.errors import AgentError
from ttrl_agents.memory.plan import Need, Settings, plan_memory, predict
from ttrl_agents.memory.run import choose_over_ranks, need_of
from ttrl_agents.memory.shapes import SHAPES

SETTINGS = Settings(4096, gradient_checkpointing=True)
BIG = "Qwen/Qwen2.5-Math-7B"


def need(name="Qwen2.5-7B", **options):
    return Need(SHAPES[name], memory=79.6 * 2**30, length=5000, **options)


def test_weights_moments_and_gradients_are_divided_and_activations_are_not():
    plan = predict(need(ranks=8, engine=True), SETTINGS)
    state = plan.kept["weights"] + plan.kept["moments of AdamW"]
    weights = SHAPES["Qwen2.5-7B"].weights
    assert state == pytest.approx(12 * weights / 8)
    one = predict(need(engine=True), SETTINGS)
    assert plan.learning["activations"] == one.learning["activations"]
    assert 4 * weights / 8 < plan.learning["gradients"] < one.learning["gradients"] / 2


def test_more_ranks_need_less_memory_each():
    peaks = [predict(need(ranks=ranks), SETTINGS).peak for ranks in (1, 2, 4, 8, 16)]
    assert peaks[1:] == sorted(peaks[1:], reverse=True)
    assert predict(need(), SETTINGS).kept.keys() >= {"weights", "moments of AdamW"}


def test_weights_are_divided_only_where_they_do_not_fit():
    config = TrainConfig(model=BIG, max_tokens=3072)
    for name, ranks, shard in (("Qwen2.5-1.5B", 8, "no"), ("Qwen2.5-7B", 8, "full")):
        chosen, plan = choose_over_ranks(config, need_of(config, SHAPES[name], 79.6 * 2**30), ranks)
        assert chosen.shard == shard
        assert plan.need.ranks == (8 if shard == "full" else 1)
        assert plan.fits
    with pytest.raises(AgentError, match=r"\(--gpus 2\)|\(--gpus 4\)|\(--gpus 8\)"):
        choose_over_ranks(config, need_of(config, SHAPES["Qwen2.5-7B"], 79.6 * 2**30), 1)


def test_a_divided_reference_does_not_wait_in_main_memory():
    plan = plan_memory(need(ranks=8, reference=True, engine=True))
    assert not plan.settings.offload_reference
    smaller = predict(replace(need(ranks=8, engine=True)), SETTINGS)
    larger = predict(replace(need(ranks=8, reference=True, engine=True)), SETTINGS)
    assert larger.peak - smaller.peak == pytest.approx(2 * SHAPES["Qwen2.5-7B"].weights / 8)


def test_a_rank_sends_its_part_to_all_others():
    plan = predict(need(ranks=8), SETTINGS)
    weights = SHAPES["Qwen2.5-7B"].weights
    sent = list(plan.traffic.values())
    assert sent == pytest.approx([4 * weights * 7 / 8, 4 * weights * 7 / 8, 2 * weights * 7 / 8])
    assert predict(need(), SETTINGS).traffic == {}
