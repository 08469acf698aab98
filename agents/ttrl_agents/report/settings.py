"""How the subjects of a report were made: options, versions, fingerprints, commands.

- `settings_of`: of one subject.
- `option_differences`: the options in which two of them differ.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from typing import Any

from ttrl_agents.config.eval_config import EvalConfig
from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.report.subject import Subject
from ttrl_agents.run.folder import CONFIG

__all__ = ["option_differences", "settings_of"]


def settings_of(subject: Subject) -> dict[str, Any]:
    """Returns the command, versions, fingerprints and options of a subject."""
    again = (
        f"ttrl train --config {shlex.quote(str(subject.path / CONFIG))}"
        if subject.is_run
        else f"ttrl eval --resume {shlex.quote(str(subject.path))}"
    )
    usual = TrainConfig().to_dict() if subject.is_run else EvalConfig().to_dict()
    options = _options(subject)
    return {
        "name": subject.name,
        "folder": str(subject.path),
        "commands": [f"{each['command']}  # {each['time']}" for each in subject.starts],
        "again": again,
        "versions": [
            [name, version]
            for name, version in [
                *(("python", each["python"]) for each in subject.starts[-1:]),
                *(("system", each["system"]) for each in subject.starts[-1:]),
                *(item for each in subject.starts[-1:] for item in each["versions"].items()),
            ]
        ],
        "fingerprints": [
            [
                each.id or "evaluation",
                each.config["weights"] or "not reported",
                each.config["questions"],
                str(each.config["seed"]),
            ]
            for each in subject.measured
        ],
        "options": [
            [name, _written(value), name in usual and usual[name] == value]
            for name, value in options.items()
        ],
    }


def option_differences(subjects: Sequence[Subject]) -> list[list[str]]:
    """Returns the options in which two subjects differ: name, value of A, value of B."""
    if len(subjects) < 2:
        return []
    a, b = map(_options, subjects)
    return [
        [name, _written(a.get(name)), _written(b.get(name))]
        for name in sorted({*a, *b} - {"output"})
        if a.get(name) != b.get(name)
    ]


def _options(subject: Subject) -> dict[str, Any]:
    """The options; of an evaluation also the settings that its results depend on."""
    config = subject.config
    if subject.is_run:
        return dict(config)
    rest = {name: value for name, value in config.items() if name != "options"}
    return {**config.get("options", {}), **rest}


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
