"""`ttrl doctor` and `ttrl --version`: what they show, without secrets, and in the core alone."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from ttrl_agents.cli.doctor import report
from ttrl_agents.cli.entry import main
from ttrl_agents.cli.requirements import installed_version

CORE_ALONE = """
import sys
for name in ("torch", "transformers", "tyro", "rich", "matplotlib"):
    sys.modules[name] = None  # importing it raises ImportError
from ttrl_agents.cli import main
sys.exit(main(sys.argv[1:]))
"""


def run_in_the_core_alone(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", CORE_ALONE, *arguments]
    environment = {k: v for k, v in os.environ.items() if k != "HF_TOKEN"}
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)


def section(title: str, lines: list[str]) -> list[str]:
    start = lines.index(title) + 1
    ends = [i for i, line in enumerate(lines) if i > start and not line.startswith(" ")]
    return lines[start : min(ends, default=None)]


def test_the_version_is_that_of_the_distribution(capsys) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"ttrl-env {installed_version('ttrl-env')}\n"


def test_every_section_says_something(capsys) -> None:
    assert main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for title, word in (
        ("versions", f"gymnasium          {installed_version('gymnasium')}"),
        ("hardware", "--device auto"),
        ("data", "TTRL_DATA_DIR"),
        ("missing", ""),
    ):
        assert any(word in line for line in section(title, lines)), title


def test_its_help_is_that_of_a_command(capsys) -> None:
    assert main(["doctor", "--help"]) == 0
    assert "what is missing for what" in capsys.readouterr().out


def test_a_token_is_found_and_not_printed(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "none"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    assert "no; gated files need one" in "\n".join(report())
    monkeypatch.setenv("HF_TOKEN", "hf_abcdefghijklmnop")
    text = "\n".join(report())
    assert "Hub token          yes\n" in text
    assert "hf_abc" not in text


def test_what_is_missing_is_listed_with_the_command_that_installs_it() -> None:
    def versions(name: str) -> str | None:
        return {"wandb": None, "tensorboard": "1.0"}.get(name, installed_version(name))

    lines = [line.strip() for line in section("missing", list(report(versions)))]
    wandb = lines.index("wandb              for ttrl train --log wandb")
    assert lines[wandb + 1].startswith("wandb is not installed (wanted: >=0.")
    assert lines[wandb + 2] == "pip install 'ttrl-env[wandb]'"
    assert any(line.startswith("tensorboard 1.0 (wanted: >=2.") for line in lines)


def test_a_package_that_several_extras_need_is_listed_once() -> None:
    def versions(name: str) -> str | None:
        return None if name == "torch" else installed_version(name)

    lines = section("missing", list(report(versions)))
    (at,) = [i for i, line in enumerate(lines) if "torch is not installed" in line]
    assert "for training and measuring models" in lines[at - 1]


def test_a_data_folder_that_is_not_there_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TTRL_DATA_DIR", "/no/such/folder")
    (line,) = [line for line in report() if line.startswith("  benchmarks ")]
    assert "/no/such/folder" in line


def test_the_core_alone_has_a_doctor_that_says_how_to_get_the_rest() -> None:
    done = run_in_the_core_alone("doctor")
    assert done.returncode == 0, done.stderr
    assert "PyTorch cannot be imported" in done.stdout
    done = run_in_the_core_alone("--version")
    assert done.stdout.startswith("ttrl-env ")
    done = run_in_the_core_alone("train")
    assert done.returncode == 1
    assert "pip install 'ttrl-env[agents]' (ttrl doctor shows what is missing)" in done.stderr


def test_on_a_gpu_it_says_what_an_update_would_use(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from ttrl_agents.policy import lm_head_tiles, packed_attention

    card = SimpleNamespace(name="H100", major=9, minor=0, total_memory=80 * 2**30)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: card)
    monkeypatch.setattr(packed_attention, "why_not_packed", lambda _: None)
    monkeypatch.setattr(lm_head_tiles, "why_not_tiled", lambda _: "no compiler is here")
    said = section("hardware", list(report()))
    assert "  packed rows        yes: flash attention runs" in said
    assert "  LM head            no compiler is here" in said


def test_without_a_gpu_the_flash_kernel_does_not_run() -> None:
    import torch

    from ttrl_agents.policy.packed_attention import why_not_packed

    assert str(why_not_packed(torch.device("cpu"))).startswith("no: ")
