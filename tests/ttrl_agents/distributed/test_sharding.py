"""A run divided over ranks: the weights of one process, and checkpoints that any number reads."""

import json
import shutil

import pytest
import torch
from ranks import OF_RANKS, ROUNDED, RUNS, in_ranks
from safetensors.torch import load_file
from small_runs import StopAfter, metrics_of, small, weights_of
from transformers import AutoModelForCausalLM

from ttrl_agents.distributed.shards import holds_shards, load_shards, save_shards
from ttrl_agents.errors import AgentError
from ttrl_agents.run.checkpoint import latest_state, verify_state
from ttrl_agents.trainer import Interrupted, Trainer

# The sampler has a copy of the weights, which is compared with the policy.
OF_COPY = {"sampler_gap", "sampler_gap_max"}


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    programs = ["shard_all", "shard_half", "go_back", "dump", "replace_engines"]
    return folder, in_ranks(2, folder, *programs, "break_outside_updates", "run_out")


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """A run of four steps: with two ranks, one, three and two again."""
    folder = tmp_path_factory.mktemp("chain") / "run"
    options = {**RUNS["full"], "checkpoint_every": 10}
    steps = [in_ranks(2, folder, "step_on")["step_on"]]
    with pytest.raises(Interrupted):
        Trainer(small(folder, shard="full", **options), [StopAfter(2)], resume=True).run()
    shutil.copytree(folder, folder.with_name("after one"))
    steps += [in_ranks(size, folder, "step_on")["step_on"] for size in (3, 2)]
    return folder, steps


@pytest.mark.parametrize("name", RUNS)
def test_a_divided_run_has_the_weights_of_one_process_bit_for_bit(alone, two, name):
    folder, _ = two
    one, other = alone / name, folder / "sharded" / name
    for mine, theirs in zip(metrics_of(one), metrics_of(other), strict=True):
        drop = ROUNDED | OF_RANKS | OF_COPY
        assert {k: v for k, v in mine.items() if k not in drop} == {
            k: v for k, v in theirs.items() if k not in drop
        }
        assert theirs["sampler_gap"] < 1e-5
    first, second = weights_of(one), weights_of(other)
    assert first.keys() == second.keys()
    for key, tensor in first.items():
        assert torch.equal(tensor, second[key]), key


def test_each_rank_writes_its_part_and_none_writes_a_pickle(two):
    folder, _ = two
    state = latest_state(folder / "sharded" / "ppo" / "checkpoints")
    files = sorted(
        each.relative_to(state).as_posix() for each in state.rglob("*") if each.is_file()
    )
    for part in ("model", "agent"):
        shards = [each for each in files if each.startswith(f"{part}/shard-")]
        assert [each.split("-")[1] for each in shards] == ["00001", "00002"]
    assert set(json.loads((state / "files.json").read_text())) == set(files) - {"files.json"}
    assert not [each for each in files if not each.endswith((".json", ".safetensors", ".jinja"))]


def test_the_shards_hold_the_state_of_one_process(alone, two):
    folder, _ = two
    shards = latest_state(folder / "sharded" / "ppo" / "checkpoints") / "agent"
    whole = load_file(latest_state(alone / "ppo" / "checkpoints") / "agent.safetensors")
    found = load_shards(shards)
    assert found.keys() == whole.keys()
    for name, tensor in whole.items():
        assert torch.equal(found[name], tensor), name


def test_the_trained_model_is_one_that_transformers_loads_with_a_tied_head_once(two):
    folder, _ = two
    path = folder / "sharded" / "full" / "checkpoint"
    model = AutoModelForCausalLM.from_pretrained(path)
    assert model.config.architectures == ["LlamaForCausalLM"]
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
    assert "lm_head.weight" not in load_file(path / "model.safetensors")


def test_the_number_of_ranks_may_change_at_each_checkpoint(alone, chain):
    folder, steps = chain
    assert steps == [[1, 1], [3, 3, 3], [4, 4]]
    first, second = weights_of(alone / "full"), weights_of(folder)
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name
    votes = ["majority_ratio", "mean_reward", "tokens", "loss", "grad_norm"]
    for mine, theirs in zip(metrics_of(alone / "full"), metrics_of(folder), strict=True):
        assert [mine[name] for name in votes] == [theirs[name] for name in votes]


def test_one_process_that_goes_on_writes_whole_checkpoints(chain):
    folder, _ = chain
    state = latest_state(folder.with_name("after one") / "checkpoints")
    assert (state / "agent.safetensors").is_file()
    assert (state / "model" / "model.safetensors").is_file()


def test_one_flipped_byte_in_a_shard_is_found(two, tmp_path):
    folder, _ = two
    state = tmp_path / "step-000004"
    shutil.copytree(latest_state(folder / "sharded" / "full" / "checkpoints"), state)
    verify_state(state)
    file = next((state / "agent").glob("shard-00002-*"))
    content = bytearray(file.read_bytes())
    content[-5] ^= 1
    file.write_bytes(content)
    with pytest.raises(AgentError, match=r"agent/shard-00002-.* is not as it was written"):
        verify_state(state)


def test_16_bit_weights_move_in_float32_parts_and_are_saved_with_their_masters(two):
    folder, said = two
    assert said["shard_half"] == [["torch.float32", "torch.bfloat16"]] * 2
    run = folder / "half"
    saved = weights_of(run)
    assert {each.dtype for each in saved.values()} == {torch.bfloat16}
    assert json.loads((run / "checkpoint" / "config.json").read_text())["dtype"] == "bfloat16"
    masters = load_shards(latest_state(run / "checkpoints") / "agent")
    for name, weight in saved.items():
        master = masters[f"{name}/master"]
        assert master.dtype == torch.float32
        assert torch.equal(master.to(torch.bfloat16), weight), name
    assert any((m != m.bfloat16()).any() for n, m in masters.items() if n.endswith("/master"))


def test_a_run_that_collapses_goes_back_to_its_best_checkpoint(two):
    folder, said = two
    assert said["go_back"] == [True, True]
    best = load_file(folder / "back" / "checkpoints" / "best" / "model" / "model.safetensors")
    for name, tensor in weights_of(folder / "back").items():
        assert torch.equal(tensor, best[name]), name


def test_an_update_that_is_not_finite_is_skipped_and_written_once(two):
    folder, said = two
    assert said["dump"] == [1.0, 1.0]
    files = sorted(each.name for each in (folder / "dumped" / "non_finite").rglob("update-*"))
    assert files == ["update-0.json", "update-0.safetensors"]


def test_an_engine_that_dies_is_replaced_while_all_ranks_hand_out_the_weights(two):
    folder, said = two
    first, second = said["replace_engines"]
    weights = first[0][0]
    assert weights > 10
    # An engine on each rank: that of rank 1 died in a draw, and in another run while it loaded.
    assert first[:2] == [[weights, 0], [weights, 0]]
    assert second[:2] == [[weights, 1], [weights, 1]]
    # An engine that both share, on rank 0.
    assert [first[2], second[2]] == [[weights, 1], [0, 0]]
    for name in ("sample-1", "load-1", "sample-2"):
        assert (folder / f"died-{name}").exists()
        lines = metrics_of(folder / name)
        assert [line["step"] for line in lines] == [1, 2, 3]
        assert lines[-1]["engine_restarts"] == 1


def test_an_error_outside_updates_ends_all_ranks_with_one_sentence_saved(two):
    folder, said = two
    first, second = said["break_outside_updates"]
    assert first[0] == ["RuntimeError", "rank 1 failed: KeyError: 'bug'"]
    assert second[0] == ["KeyError", "'bug'"]
    assert first[1][1] == second[1][1]
    assert "The engine died (sample)" in first[1][1]
    assert "It had been started anew once already." in first[1][1]
    assert "saved after step 2" in first[1][1]
    for name in ("evaluation", "engine"):
        state = latest_state(folder / name / "checkpoints")
        assert state.name == "step-000002"
        verify_state(state)


def test_a_rank_without_memory_in_an_update_ends_with_advice_and_the_others_notice(two):
    folder, said = two
    (lost, other), (kind, sentence) = said["run_out"]
    assert (lost, kind) == ("LostRankError", "DesertedError")
    assert "Another process of this run has ended" in other
    assert "Rank 1 failed in an update: OutOfMemoryError: CUDA out of memory." in sentence
    assert "--gradient-checkpointing" in sentence
    state = latest_state(folder / "run out" / "checkpoints")
    assert state.name == "step-000002"
    verify_state(state)


def test_shards_of_one_process_are_read_as_they_were_written(tmp_path):
    tensors = {"a/b": torch.arange(12.0).view(3, 4), "step": torch.tensor(7.0)}
    save_shards(tmp_path, tensors)
    assert holds_shards(tmp_path)
    found = load_shards(tmp_path)
    assert {name: each.tolist() for name, each in found.items()} == {
        name: each.tolist() for name, each in tensors.items()
    }
