"""The page of metrics has every key that a run logs, and no other."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

from doc_pages import REPOSITORY

from ttrl_agents.config import TrainConfig
from ttrl_agents.trainer import Trainer
from ttrl_env.consensus.diagnostics import DIAGNOSTICS
from ttrl_env.wrappers.label_metrics import METRICS

PAGE = (REPOSITORY / "docs/reference/metrics.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(\w+)` \|(.*)\|$", PAGE, re.MULTILINE)
NAMES = [name for name, _ in ROWS]
SMALL = TrainConfig(steps=1, questions_per_step=4, n_votes=4, evaluate=False, monitor_kl_every=1)


def logged(folder: Path, config: TrainConfig) -> set[str]:
    """Returns the keys of the metrics of a run."""
    Trainer(dataclasses.replace(config, output=folder)).run()
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return set().union(*(json.loads(line) for line in lines))


def test_every_key_that_a_run_logs_has_a_row(tmp_path: Path) -> None:
    grpo = dataclasses.replace(SMALL, kl_coef=0.01, importance_correction="truncate")
    seen = logged(tmp_path / "grpo", grpo)
    seen |= logged(tmp_path / "ppo", dataclasses.replace(SMALL, algorithm="ppo"))
    assert len(seen) > 40
    assert seen - set(NAMES) == set()
    # The others need a GPU, another engine or several processes: the code names them.
    code = "\n".join(
        file.read_text(encoding="utf-8")
        for file in (REPOSITORY / "agents/ttrl_agents").rglob("*.py")
    )
    for name in set(NAMES) - seen:
        assert f'"{name}"' in code, name


def test_every_row_is_whole_and_stands_once() -> None:
    assert len(NAMES) == len(set(NAMES))
    for name, cells in ROWS:
        values = [cell.strip() for cell in cells.split(" | ")]
        assert len(values) == 5, name
        assert all(values), name
        assert values[2] in ("yes", "no"), name


def test_the_metrics_that_need_labels_are_those_that_the_code_takes_from_labels() -> None:
    needs = {key for key, cells in ROWS if cells.split(" | ")[2].strip() == "yes"}
    assert needs == set(METRICS)
    assert set(DIAGNOSTICS) <= set(NAMES) - needs
