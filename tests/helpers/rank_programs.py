"""What the processes of `ranks.in_ranks` run: each program returns what its rank reports."""

import json
import os
import sys
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from ranks import RUNS
from small_runs import StopAfter, small

from ttrl_agents.callbacks import Callback
from ttrl_agents.distributed.failures import LostRankError
from ttrl_agents.distributed.rounds import GradientSum, turns
from ttrl_agents.distributed.world import close_world, start_world, world
from ttrl_agents.errors import AgentError
from ttrl_agents.instruments.collapse import Alarm
from ttrl_agents.run import health
from ttrl_agents.run.checkpoint import latest_state, load_state
from ttrl_agents.samplers.vllm import sampler as vllm_sampler
from ttrl_agents.tiny.random_policy import random_policy
from ttrl_agents.trainer import Interrupted, Trainer
from ttrl_env.completion import Completion


def talk(folder):
    """Every operation of a world once."""
    ranks = world()
    completion = Completion("\\boxed{\ud800}", token_ids=[ranks.rank, 2], log_probs=[-0.5, -1.0])
    found = ranks.gather([completion, {"rank": ranks.rank, "nan": float("nan")}])
    tensor = torch.full((3,), float(ranks.rank))
    ranks.add([tensor])
    return {
        "ids": [each.token_ids.tolist() for each, _ in found],
        "equal": all(each == completion for each, _ in found),
        "ranks": [each["rank"] for _, each in found],
        "from the leader": ranks.broadcast(f"rank {ranks.rank}"),
        "led": ranks.lead(lambda: ranks.rank),
        "any": [ranks.any(ranks.rank == 1), ranks.any(False)],
        "sum": tensor.tolist(),
    }


def fail(folder):
    """One rank fails: with a sentence, with a full disk, and while the others talk."""
    ranks, said = world(), []

    def attempt(function):
        try:
            with ranks.agreement():
                function()
        except Exception as error:  # noqa: BLE001 - what is raised is what is asked
            said.append([type(error).__name__, str(error)])

    def raise_on_last(error):
        if ranks.rank == ranks.size - 1:
            raise error

    attempt(lambda: raise_on_last(AgentError("Use --less.")))
    attempt(lambda: raise_on_last(OSError(28, "No space left on device", "model")))
    attempt(lambda: raise_on_last(torch.OutOfMemoryError("no memory")))
    attempt(lambda: raise_on_last(KeyError("bug")))
    attempt(lambda: ranks.lead(lambda: raise_on_last(AgentError("never raised")) or 1 / 0))
    attempt(lambda: (raise_on_last(AgentError("Early.")), ranks.gather(1), ranks.gather(2)))
    return [*said, ranks.gather("still here")]


def add_up(folder):
    """Gradients of seven micro-batches, added up in order and in any order."""
    found = {}
    for ordered in (True, False):
        weight, unused = torch.zeros(257, requires_grad=True), torch.zeros(3, requires_grad=True)
        total = GradientSum(world(), lambda: [weight, unused], ordered=ordered)  # noqa: B023
        parts = [np.array([k]) for k in range(7)]
        for turn in turns(world(), parts, lockstep=False, sums=[total]):
            noise = torch.randn(257, generator=torch.Generator().manual_seed(turn.place))
            (weight * noise).sum().backward()
        found[str(ordered)] = [weight.grad.tolist(), unused.grad is None]
    return found


def train(folder, names):
    for name in names:
        Trainer(small(folder / name, **RUNS[name])).run()
    return sorted(names)


def train_all(folder):
    return train(folder, RUNS)


def train_two(folder):
    return train(folder, ["full", "ppo"])


def shard_all(folder):
    """The same runs, divided: weights, gradients and moments."""
    for name in RUNS:
        Trainer(small(folder / "sharded" / name, shard="full", **RUNS[name])).run()
    return sorted(RUNS)


def shard_half(folder):
    """A divided run in bfloat16; returns the types of its parts, and of what it computes in."""
    run = Trainer(small(folder / "half", shard="full", dtype="bfloat16", **RUNS["full"]))
    run.run()
    return [str(next(run.policy.model.parameters()).dtype), str(run.policy.compute_dtype)]


class _Collapse(Callback):
    """Raises an alarm after the second step, on the leader alone."""

    def on_start(self, run):
        self.run = run

    def on_step(self, step, metrics):
        if step == 2:
            self.run.raise_alarm(Alarm(step, "runaway", "made up for a test"), stop=True)


def go_back(folder):
    """A divided run that an alarm stops and sends back; returns whether it was stopped."""
    run = Trainer(small(folder / "back", shard="full", **RUNS["full"]), [_Collapse()])
    return run.run()["stopped"]


def dump(folder):
    """A divided run whose first update is not finite on one rank; returns how many were skipped."""
    run = Trainer(small(folder / "dumped", shard="full", steps=1, **RUNS["full"]))
    agent = run.agent
    score = agent._log_probs._score

    def spoil(*arguments):
        log_probs, entropies = score(*arguments)
        spoils = world().rank == 1 and torch.is_grad_enabled()
        return (log_probs * float("nan") if spoils else log_probs), entropies

    agent._log_probs._score = spoil
    run.run()
    return json.loads((folder / "dumped" / "metrics.jsonl").read_text())["skipped"]


def step_on(folder):
    """Goes on with the run in `folder`, divided, for one step; returns the steps that are done."""
    saved = latest_state(folder / "checkpoints")
    done = 0 if saved is None else load_state(saved).step
    options = {**RUNS["full"], "shard": "full", "checkpoint_every": 10}
    try:
        Trainer(small(folder, **options), [StopAfter(done + 1)], resume=True).run()
    except Interrupted:
        return done + 1
    return done + 1


def train_again(folder):
    return train(folder / "again", ["full"])


class _Meddler(Callback):
    """Changes the run on the leader alone."""

    def on_start(self, run):
        self.run = run

    def on_step(self, step, metrics):
        if step == 1:
            self.run.agent.scale_learning_rate(0.5)


class _AlarmLeader(Callback):
    """Stops the run by request, on the leader alone."""

    def on_start(self, run):
        self.run = run

    def on_step(self, step, metrics):
        if step == 3:
            self.run.request_stop()


def disagree(folder):
    """A callback changes one rank's model; a sampler fails on one rank; one rank is stopped."""
    said = []
    for name, callback in (("meddled", _Meddler()), ("stopped", _AlarmLeader())):
        try:
            Trainer(small(folder / name), [callback]).run()
        except Exception as error:  # noqa: BLE001 - what is raised is what is asked
            said.append([type(error).__name__, str(error)])
    return said


class _Failing:
    """A sampler that fails in the second step, on rank 1."""

    copies_weights = False

    def __init__(self, inner):
        self.inner, self.calls = inner, 0

    def sample(self, prompts, params, **options):
        self.calls += 1
        if self.calls == 2 and world().rank == 1:
            raise AgentError("The engine of rank 1 is gone.")
        return self.inner.sample(prompts, params, **options)

    def sync(self):
        pass

    def rest(self):
        pass

    def metrics(self):
        return {"engine_restarts": float(world().rank)}

    def close(self):
        pass


def fail_sampling(folder):
    from ttrl_agents.samplers import make_sampler

    run = Trainer(
        small(folder / "failed"),
        sampler=lambda policy, config: _Failing(make_sampler(policy, config)),
    )
    try:
        run.run()
    except AgentError as error:
        return str(error)


def replace_engines(folder):
    """Divided runs with an engine on each rank, or one for all; one of the engines dies once."""
    told = []
    world().lead(lambda: random_policy().save(folder / "four heads"))
    for shared, when, owner in ((1, "sample", 1), (1, "load", 1), (2, "sample", 0)):
        name = f"{when}-{shared}"
        os.environ["TTRL_TEST_ENGINE_DIES"] = when
        os.environ["TTRL_TEST_ENGINE_OF"] = str(owner)
        os.environ["TTRL_TEST_ENGINE_DIED"] = str(folder / f"died-{name}")
        model = str(folder / "four heads")
        options = {
            "model": model,
            "sampler": "vllm",
            "log_prob_tolerance": 1e9,
            "shard": "full",
            "steps": 3,
        }
        with mock.patch.object(vllm_sampler, "_MODULE", "weighty_engine"):
            config = small(folder / name, engine_tensor_parallel=shared, **options, **RUNS["full"])
            run = Trainer(config)
            run.run()
        told.append([run.sampler.inner.proof.get("proved", 0), run.sampler.inner.restarts])
    return told


def break_outside_updates(folder):
    """Divided runs in which rank 1 fails in an evaluation, and its engine in every second draw."""
    told = []
    options = {**RUNS["full"], "shard": "full", "checkpoint_every": 10, "held_out": 0}

    def attempt(name, spoil=lambda run: None, **more):
        try:
            run = Trainer(small(folder / name, **options, **more))
            spoil(run)
            run.run()
        except Exception as error:  # noqa: BLE001 - what is raised is what is asked
            told.append([type(error).__name__, str(error)])

    def spoil_evaluation(run):
        if world().rank == 1:
            run.evaluations.measure = mock.Mock(side_effect=KeyError("bug"))

    attempt("evaluation", spoil_evaluation, eval_every=2)
    os.environ["TTRL_TEST_ENGINE_DIES"], os.environ["TTRL_TEST_ENGINE_OF"] = "sample", "1"
    os.environ["TTRL_TEST_ENGINE_DIED"] = str(folder / "nowhere" / "died")
    with mock.patch.object(vllm_sampler, "_MODULE", "weighty_engine"):
        attempt("engine", sampler="vllm", log_prob_tolerance=1e9)
    return told


def not_finite(folder):
    """A weight of the last rank is NaN after the run `full`; who looks for its last checkpoint."""
    looked = []
    model = torch.nn.Linear(2, 2)
    if world().leads:
        (folder / "full" / "checkpoints" / ".step-000009.tmp").mkdir()
    if world().rank == world().size - 1:
        torch.nn.init.constant_(model.weight, float("nan"))

    def look(checkpoints):
        looked.append(checkpoints)
        return latest_state(checkpoints)

    with mock.patch.object(health, "latest_state", look):
        try:
            health.check_learned(model, folder / "full", 5)
        except AgentError as error:
            return {"sentence": str(error), "looked": bool(looked)}


def run_out(folder):
    """The last rank has no memory left in a divided update; run this last."""
    run = Trainer(small(folder / "run out", shard="full", checkpoint_every=1, **RUNS["full"]))
    score = run.agent._log_probs._score

    def spoil(*arguments):
        if world().rank == world().size - 1 and run.state.step == 2 and torch.is_grad_enabled():
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return score(*arguments)

    run.agent._log_probs._score = spoil
    try:
        run.run()
    except LostRankError as error:
        report = [type(error).__name__, str(error)]
        (folder / f"run_out-{world().rank}.json").write_text(json.dumps(report))
    os._exit(0)  # the other ranks wait where this one cannot be


def lose(folder):
    """The last rank ends without a word; run this last."""
    if world().rank == world().size - 1:
        (folder / f"lose-{world().rank}.json").write_text('"gone"')
        os._exit(0)
    try:
        world().gather(1)
    except LostRankError as error:
        return str(error)


def main():
    folder = Path(sys.argv[1])
    rank = start_world("cpu").rank
    for name in sys.argv[2:]:
        report = globals()[name](folder)
        (folder / f"{name}-{rank}.json").write_text(json.dumps(report))
    if "lose" not in sys.argv:
        close_world()


if __name__ == "__main__":
    main()
