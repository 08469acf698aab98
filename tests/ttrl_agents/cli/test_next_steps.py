"""The commands that lead on ask the questions of the run, as they are copied."""

import json
import shlex
from pathlib import Path

from ttrl_agents.cli.entry import main
from ttrl_agents.cli.next_steps import after_training
from ttrl_agents.config import TrainConfig


def measures_again(config):
    return after_training(Path("run"), config)[-1][0]


def test_a_run_with_the_default_questions_needs_no_options():
    assert measures_again(TrainConfig()) == "ttrl eval run"


def test_the_suggested_evaluation_asks_what_the_run_asked(tmp_path, capsys):
    file = tmp_path / "my sums.json"
    rows = [{"Frage": f"{n} + {n}?", "answer": 2 * n} for n in (1, 2, 2)]
    file.write_text(json.dumps(rows))
    config = TrainConfig(
        env="TTRL-Questions-v0",
        data=file,
        duplicates="drop",
        max_prompt_tokens=400,
        env_options={"columns": {"question": "Frage"}, "answer_format": "integer"},
    )
    words = shlex.split(measures_again(config))[3:]
    little = ["--k", "2", "--max-tokens", "4", "--output", str(tmp_path / "out")]
    assert main(["eval", "tiny", *little, *words]) == 0
    lines = (tmp_path / "out" / "completions.jsonl").read_text().splitlines()
    assert {json.loads(line)["prompt"].split("?")[0] for line in lines} == {"1 + 1", "2 + 2"}
    assert "TTRL-Questions-v0" in capsys.readouterr().out
