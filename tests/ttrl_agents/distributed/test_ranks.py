"""Several processes on the CPU: they tell each other everything, and train what one trains."""

import json
import math

import pytest
import torch
from ranks import OF_RANKS, ROUNDED, RUNS, in_ranks
from safetensors.torch import load_file
from small_runs import metrics_of, weights_of

from ttrl_agents.distributed.rounds import GradientSum, turns
from ttrl_agents.distributed.world import World


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """What two processes report, and their runs."""
    folder = tmp_path_factory.mktemp("two")
    programs = ("talk", "fail", "add_up", "train_all", "train_again", "disagree", "fail_sampling")
    return folder, in_ranks(2, folder, *programs)


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    folder = tmp_path_factory.mktemp("three")
    return folder, in_ranks(3, folder, "talk", "fail", "add_up", "train_two", "not_finite", "lose")


@pytest.fixture(scope="module")
def four(tmp_path_factory):
    folder = tmp_path_factory.mktemp("four")
    return folder, in_ranks(4, folder, "train_two")


def test_every_rank_knows_what_the_others_say(two, three):
    for size, (_, said) in ((2, two), (3, three)):
        for report in said["talk"]:
            assert report["ids"] == [[rank, 2] for rank in range(size)]
            assert report["equal"]
            assert report["ranks"] == list(range(size))
            assert report["from the leader"] == "rank 0"
            assert report["led"] == 0
            assert report["any"] == [True, False]
            assert report["sum"] == [float(sum(range(size)))] * 3


def test_an_error_on_one_rank_is_one_on_all_with_the_same_sentence(two, three):
    for _, said in (two, three):
        for rank, report in enumerate(said["fail"]):
            failing = rank == len(said["fail"]) - 1
            assert report[0] == ["AgentError", "Use --less."]
            assert report[1][0] == "OSError"
            assert "model" in report[1][1]
            assert report[2] == ["OutOfMemoryError", "no memory"]
            assert report[3] == (
                ["KeyError", "'bug'"]
                if failing
                else ["RuntimeError", f"rank {len(said['fail']) - 1} failed: KeyError: 'bug'"]
            )
            assert "division by zero" in report[4][1]
            assert report[5] == ["AgentError", "Early."]
            assert report[6] == ["still here"] * len(said["fail"])


def test_gradients_add_up_as_in_one_process(two, three):
    weight = torch.zeros(257, requires_grad=True)
    for place in range(7):
        noise = torch.randn(257, generator=torch.Generator().manual_seed(place))
        (weight * noise).sum().backward()
    for _, said in (two, three):
        for report in said["add_up"]:
            ordered, any_order = report["True"], report["False"]
            assert ordered[0] == weight.grad.tolist(), "not bit for bit"
            assert torch.allclose(torch.tensor(any_order[0]), weight.grad, atol=1e-5)
            assert ordered[1], "what has no gradient got one"
            assert any_order[1], "what has no gradient got one"


def test_turns_cover_every_micro_batch_once_in_rounds_of_one_each():
    parts = [torch.arange(3).numpy() + 3 * k for k in range(7)]
    found = [list(turns(World(rank, 3), parts, lockstep=True)) for rank in range(3)]
    assert {len(each) for each in found} == {3}, "ranks ran the model differently often"
    counted = sorted(turn.place for each in found for turn in each if turn.counts)
    assert counted == list(range(7))
    free = [list(turns(World(rank, 3), parts, lockstep=False)) for rank in range(3)]
    assert [len(each) for each in free] == [3, 2, 2]


def test_a_sum_over_one_rank_leaves_gradients_alone():
    weight = torch.ones(2, requires_grad=True)
    weight.sum().backward()
    before = weight.grad
    total = GradientSum(World(), lambda: [weight], ordered=True)
    total.begin_round(1)
    total.end_round()
    total.end_update()
    assert weight.grad is before


@pytest.mark.parametrize("name", RUNS)
def test_two_processes_train_the_weights_of_one_bit_for_bit(alone, two, name):
    folder, _ = two
    assert_same_result(alone / name, folder / name)


@pytest.mark.parametrize("name", ["full", "ppo"])
def test_three_processes_do_too(alone, three, name):
    folder, _ = three
    assert_same_result(alone / name, folder / name)


@pytest.mark.parametrize("name", ["full", "ppo"])
def test_four_processes_do_so_within_rounding(alone, four, name):
    folder, _ = four
    for mine, theirs in zip(metrics_of(alone / name), metrics_of(folder / name), strict=True):
        assert theirs["ranks"] == 4
        assert mine["majority_ratio"] == theirs["majority_ratio"]
    first, second = weights_of(alone / name), weights_of(folder / name)
    for weight, tensor in first.items():
        assert torch.allclose(tensor, second[weight], rtol=0, atol=1e-5), weight


def test_two_processes_repeat_bit_for_bit(two):
    folder, _ = two
    one, other = folder / "full", folder / "again" / "full"
    assert [comparable(each) for each in metrics_of(one)] == [
        comparable(each) for each in metrics_of(other)
    ]
    assert_same_result(one, other)


def test_metrics_of_several_ranks_say_how_they_shared_the_work(alone, two):
    for line in metrics_of(two[0] / "full"):
        assert line["ranks"] == 2
        assert 0 <= line["idle_share"] < 0.5
        assert line["sampling_skew"] >= 1
    assert not OF_RANKS & set(metrics_of(alone / "full")[0])


def test_a_callback_that_changes_one_rank_ends_the_run_and_is_named(two):
    folder, said = two
    for report in said["disagree"]:
        kind, sentence = report[0]
        assert kind == "AgentError"
        assert "the policy's weights differs between rank 0 and rank 1" in sentence
    steps = [each.name for each in (folder / "meddled" / "checkpoints").glob("step-*")]
    assert steps == ["step-000000"], "a checkpoint of ranks that disagree was saved"


def test_a_stop_that_one_rank_asks_for_stops_and_saves_all(two):
    folder, said = two
    assert [report[1][0] for report in said["disagree"]] == ["Interrupted"] * 2
    assert (folder / "stopped" / "checkpoints" / "step-000003").is_dir()


def test_a_sampler_that_fails_on_one_rank_ends_all_with_its_sentence_saved(two):
    folder, said = two
    first, second = said["fail_sampling"]
    assert first == second
    assert "The engine of rank 1 is gone." in first
    assert "saved after step 1" in first
    assert (folder / "failed" / "checkpoints" / "step-000001").is_dir()


def test_weights_that_are_not_finite_on_one_rank_end_all_and_only_the_leader_tidies(three):
    folder, said = three
    for report in said["not_finite"]:
        assert "step-000004 is the last checkpoint, and whole" in report["sentence"]
    assert [report["looked"] for report in said["not_finite"]] == [True, False, False]
    assert not list((folder / "full" / "checkpoints").glob(".*.tmp"))


def test_a_rank_that_ends_without_a_word_is_noticed_at_once(three):
    _, said = three
    assert all("has ended" in report for report in said["lose"][:2])


def assert_same_result(one, other):
    for mine, theirs in zip(metrics_of(one), metrics_of(other), strict=True):
        assert comparable(mine) == comparable(theirs)
        for name in ROUNDED & set(mine):
            if mine[name] is not None:
                assert math.isclose(mine[name], theirs[name], abs_tol=1e-4), name
    saved = [each / "checkpoints" / "step-000004" / "agent.safetensors" for each in (one, other)]
    for first, second in (
        (weights_of(one), weights_of(other)),
        (load_file(saved[0]), load_file(saved[1])),
    ):
        assert first.keys() == second.keys()
        for name, tensor in first.items():
            assert torch.equal(tensor, second[name]), name


def comparable(line):
    return {name: value for name, value in line.items() if name not in ROUNDED | OF_RANKS}


def test_the_summary_of_two_processes_is_that_of_one(alone, two):
    one, other = (
        json.loads((folder / "full" / "summary.json").read_text()) for folder in (alone, two[0])
    )
    assert {**one, "seconds": 0} == {**other, "seconds": 0}
