"""`ttrl doctor`: what this machine has, and what is missing for what.

- `doctor`: prints the report.
- `report`: the report as lines.

Nothing here needs more than the core of ttrl-env, so that it can say what else to install.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError
from pathlib import Path

from huggingface_hub import constants, get_token

from ttrl_agents.cli.requirements import (
    DISTRIBUTION,
    PURPOSES,
    Versions,
    extras,
    installed_version,
    needs_of,
)
from ttrl_benchmarks import BenchmarkError, list_benchmarks
from ttrl_benchmarks.published import DATA_DIR_VARIABLE

__all__ = ["doctor", "report"]

_GIB = 2**30
_SHOWN = ("gymnasium", "numpy", "torch", "transformers", "vllm", "trl", "stable-baselines3")
_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")

Lines = Iterator[tuple[str, str]]


def doctor() -> None:
    """Shows versions, hardware, data and what is missing for what. Prints no secret."""
    for line in report():
        print(line)  # noqa: T201


def report(versions: Versions = installed_version) -> Iterator[str]:
    """Yields the lines of the report.

    Args:
        versions: Returns the installed version of a distribution.
    """
    for title, section in (
        ("versions", _versions(versions)),
        ("hardware", _hardware()),
        ("data", _data()),
        ("missing", _missing(versions)),
    ):
        yield title
        for name, value in section:
            yield f"  {name:<18} {value}"


def _versions(versions: Versions) -> Lines:
    yield DISTRIBUTION, versions(DISTRIBUTION) or "not installed; this is its source folder"
    yield "python", f"{platform.python_version()} ({sys.executable})"
    yield "system", platform.platform()
    for name in _SHOWN:
        yield name, versions(name) or "not installed"


def _hardware() -> Lines:
    yield "cores", str(_cores())
    memory = _memory_bytes()
    yield "memory", f"{memory / _GIB:.1f} GiB" if memory else "not known on this system"
    free = shutil.disk_usage(Path.cwd()).free
    yield "free disk", f"{free / _GIB:.1f} GiB in {Path.cwd()}"
    yield from _devices()


def _cores() -> int:
    """The cores that this process may use, if the system reports them."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory_bytes() -> int | None:
    """Main memory, or what a container may use of it."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError):  # Windows has no sysconf
        return None
    limit = _CGROUP_LIMIT.read_text().strip() if _CGROUP_LIMIT.is_file() else "max"
    return min(total, int(limit)) if limit.isdecimal() else total


def _devices() -> Lines:
    try:
        import torch

        from ttrl_agents.policy import resolve_device
        from ttrl_agents.policy.lm_head_tiles import why_not_tiled
        from ttrl_agents.policy.packed_attention import why_not_packed
    except (ImportError, OSError) as error:  # OSError: a library of its own is missing
        yield "GPU", f"not known: PyTorch cannot be imported ({error})"
        return
    for index in range(torch.cuda.device_count()):
        card = torch.cuda.get_device_properties(index)
        capability = f"compute capability {card.major}.{card.minor}"
        yield f"GPU {index}", f"{card.name}, {card.total_memory / _GIB:.1f} GiB, {capability}"
    if torch.cuda.device_count():
        yield "packed rows", why_not_packed(torch.device("cuda")) or "yes: flash attention runs"
        yield "LM head", why_not_tiled(torch.device("cuda")) or "its Triton kernels run"
    if not torch.cuda.device_count():
        driver = shutil.which("nvidia-smi")
        found = "Apple (MPS)" if torch.backends.mps.is_available() else "none"
        yield "GPU", f"NVIDIA ({driver}), which this PyTorch cannot use" if driver else found
    yield "CUDA of PyTorch", torch.version.cuda or "none: this build is for the CPU"
    yield "--device auto", str(resolve_device("auto"))


def _data() -> Lines:
    yield DATA_DIR_VARIABLE, os.environ.get(DATA_DIR_VARIABLE) or "not set"
    yield "Hub cache", constants.HF_HUB_CACHE
    yield "Hub offline", "yes: HF_HUB_OFFLINE is set" if constants.HF_HUB_OFFLINE else "no"
    yield "Hub token", "yes" if get_token() else "no; gated files need one: hf auth login"
    try:
        rows = list_benchmarks()
    except BenchmarkError as error:  # the data folder is set, and is not there
        yield "benchmarks", str(error)
        return
    here = [row.name for row in rows if row.needs_download and row.cached]
    absent = [row.name for row in rows if not row.cached]
    yield "benchmarks here", ", ".join(here) or "none"
    yield "not here", f"{', '.join(absent)} (ttrl fetch NAME)" if absent else "none"


def _missing(versions: Versions) -> Lines:
    """The missing packages, what they are for and how to install them; each package once."""
    try:
        groups = ["", *extras()]
    except PackageNotFoundError:
        yield DISTRIBUTION, "requirements are known once it is installed: pip install -e ."
        return
    listed: set[str] = set()
    for group in groups:
        absent = {str(need) for need in needs_of(group, versions) if not need.is_met} - listed
        listed |= absent
        if absent:
            yield group or "core", f"for {PURPOSES.get(group, 'everything')}"
            yield "", "; ".join(sorted(absent))
            yield "", f"pip install '{DISTRIBUTION}{f'[{group}]' if group else ''}'"
    if not listed:
        yield "nothing", "every extra is installed"
