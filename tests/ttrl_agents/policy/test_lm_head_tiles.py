"""The LM head's Triton kernels: run in Triton's interpreter on CPU, compiled for GPUs."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ttrl_agents.policy import lm_head_tiles
from ttrl_agents.policy.lm_head_tiles import why_not_tiled

HELPERS = Path(__file__).parents[2] / "helpers"
sys.path.insert(0, str(HELPERS))
try:
    from lm_head_kernel_cases import CASES
finally:
    sys.path.remove(str(HELPERS))

needs_triton = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None, reason="Triton is not installed (Linux alone)"
)


def run_helper(name, **variables):
    done = subprocess.run(
        [sys.executable, HELPERS / name],
        env=os.environ | variables | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def measured():
    return run_helper("lm_head_kernel_cases.py", TRITON_INTERPRET="1")


@needs_triton
@pytest.mark.parametrize("case", list(CASES))
def test_the_kernels_give_the_values_and_gradients_of_autograd(measured, case):
    values = [each for each in measured[case] if each is not None]
    assert len(values) >= 3
    # Values are in float32 whatever the weights are; gradients are in the type of the weights.
    rounding = torch.finfo(CASES[case].get("dtype", torch.float32)).eps
    allowed = 2e-6 * CASES[case].get("size", 3.0) / 3  # large logits have large errors themselves
    assert max(values[:2] if measured[case][1] is not None else values[:1]) < allowed
    assert max(values) < max(5 * allowed, 2 * rounding)


@needs_triton
def test_the_kernels_are_tried_before_they_are_used_also_in_a_pass_without_gradients(measured):
    assert measured["tried"] is None


@needs_triton
def test_kernels_that_do_not_run_say_why():
    """Without its interpreter Triton has nothing to run kernels on here."""
    if torch.cuda.is_available():
        pytest.skip("here they run")
    assert "Triton does not run here" in str(lm_head_tiles._try_kernels(torch.device("cpu")))


@needs_triton
def test_the_kernels_compile_for_gpus_that_are_not_here(tmp_path):
    sizes = run_helper("compile_lm_head_kernels.py", TRITON_CACHE_DIR=str(tmp_path))
    assert set(sizes) == {
        f"{kernel} {capability}"
        for kernel in ("add_tile_kernel", "tile_gradient_kernel")
        for capability in (75, 80, 90)
    }
    assert all(size > 1000 for size in sizes.values())


def test_other_devices_than_a_gpu_say_why_the_kernels_are_not_used():
    assert "cpu" in why_not_tiled(torch.device("cpu"))
