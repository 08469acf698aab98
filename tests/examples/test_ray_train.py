"""Ray Train as the launcher: a machine is lost, and the run goes on on another one by itself.

Ray gives each of its machines half a minute to start, whatever else runs. So this test does not run
beside others: `make test-trainers` runs it, or `TTRL_TEST_RAY=1 pytest` with the extra `ray`.
"""

import os
import runpy
import threading
import time
from pathlib import Path

import psutil
import pytest
from ranks import OF_RANKS, ROUNDED
from small_runs import metrics_of, small, weights_of

from ttrl_agents.trainer import Trainer

ray = pytest.importorskip("ray")
from ray.cluster_utils import Cluster  # noqa: E402 - only where Ray is

OPTIONS = {"device": "cpu", "shard": "full", "micro_batch_tokens": 150, "checkpoint_every": 1}
# Those of several processes, and of a sampler that has a copy of divided weights.
OTHERS = OF_RANKS | ROUNDED | {"sampler_gap", "sampler_gap_max"}
ROOT = Path(__file__).parents[2]
PATHS = [str(ROOT / each) for each in (".", "agents", "benchmarks")]  # for processes of Ray
STORE = 100 * 2**20
# Ray takes a machine for lost when it cannot be reached; a busy one may be slow to answer.
HEALTH = {
    "health_check_initial_delay_ms": 1000,
    "health_check_period_ms": 1000,
    "health_check_timeout_ms": 120_000,
    "health_check_failure_threshold": 3,
}


def start_machines():
    """A head that only keeps the books, and three machines of one core each."""
    made = Cluster()
    try:
        made.add_node(
            num_cpus=0, object_store_memory=STORE, include_dashboard=False, _system_config=HEALTH
        )
        machines = [made.add_node(num_cpus=1, object_store_memory=STORE) for _ in range(3)]
        made.wait_for_nodes(timeout=600)
    except BaseException:
        made.shutdown()
        raise
    return made, machines


def start_patiently():
    """The same again where Ray lost its patience: it gives a machine 30 seconds to start."""
    for _ in range(4):
        try:
            return start_machines()
        except Exception as error:  # Ray raises no other kind
            if "timed out during startup" not in str(error):
                raise
    return start_machines()


@pytest.fixture
def cluster(monkeypatch):
    monkeypatch.setenv("RAY_DISABLE_DOCKER_CPU_WARNING", "1")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")  # which would write into the home folder
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(PATHS))
    made, machines = start_patiently()
    try:
        ray.init(made.address, log_to_driver=False)
        yield made, machines
    finally:
        ray.shutdown()
        made.shutdown()


def worker_of(machine):
    """The process of the run on a machine, if there is one."""
    raylet = psutil.Process(machine.all_processes["raylet"][0].process.pid)
    for each in raylet.children():
        if "RayTrainWorker" in " ".join(each.cmdline()):
            return each
    return None


@pytest.mark.skipif("TTRL_TEST_RAY" not in os.environ, reason="TTRL_TEST_RAY is not set")
@pytest.mark.slow
def test_a_lost_machine_costs_nothing_of_a_run_that_ray_train_started(cluster, tmp_path):
    made, machines = cluster
    config = small(tmp_path / "run", **OPTIONS)
    lost = []

    def lose_a_machine():
        while len(list((tmp_path / "run" / "checkpoints").glob("step-00000[2-9]"))) == 0:
            time.sleep(0.05)
        machine = next(each for each in machines if worker_of(each) is not None)
        worker_of(machine).kill()
        made.remove_node(machine, allow_graceful=False)
        lost.append(machine)

    watch = threading.Thread(target=lose_a_machine, daemon=True)
    watch.start()
    runpy.run_path(str(ROOT / "examples" / "ray_train.py"))["train"](config, 2)
    assert len(lost) == 1, "the run ended before a machine was lost"
    Trainer(small(tmp_path / "alone", **OPTIONS)).run()
    mine, theirs = (
        [
            {name: value for name, value in line.items() if name not in OTHERS}
            for line in metrics_of(tmp_path / name)
        ]
        for name in ("run", "alone")
    )
    assert mine == theirs
    weights = weights_of(tmp_path / "alone")
    for name, tensor in weights_of(tmp_path / "run").items():
        assert tensor.equal(weights[name]), name
