"""TensorBoard, Weights & Biases and samples: everything arrives, and nothing twice."""

import math
import sys
from collections import Counter

import numpy as np
import pytest
from logged_runs import Alarmed, interrupted_twice, metrics_of, small, train
from wandb_log import wandb_rows

from ttrl_agents.callbacks import Callback, make_loggers
from ttrl_agents.callbacks.samples import sample_text
from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.errors import AgentError
from ttrl_agents.rollout import Rollout
from ttrl_agents.trainer import Trainer
from ttrl_env.completion import Completion


def tensorboard_of(folder):
    """What TensorBoard itself reads: (step, value) of each tag."""
    from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    events = EventAccumulator(str(folder / "tensorboard"), size_guidance={"tensors": 0})
    events.Reload()
    return {
        tag: [(each.step, make_ndarray(each.tensor_proto).item()) for each in events.Tensors(tag)]
        for tag in events.Tags()["tensors"]
    }


@pytest.mark.parametrize("interrupt", [False, True])
def test_tensorboard_shows_every_step_once(tmp_path, interrupt):
    pytest.importorskip("tensorboard", reason="needs the extra tensorboard")
    config = small(tmp_path / "run", log=("tensorboard",))
    summary = interrupted_twice(config) if interrupt else train(config)
    tags = tensorboard_of(tmp_path / "run")
    rows = metrics_of(tmp_path / "run")
    for name in ("majority_ratio", "loss", "tokens"):
        steps, values = zip(*tags[f"train/{name}"], strict=True)
        assert steps == (1, 2, 3, 4, 5)
        assert values == pytest.approx([row[name] for row in rows])
    steps, values = zip(*tags["evaluation/held_out/mean@2"], strict=True)
    assert steps == (0, 2, 4, 5)
    expected = [summary["before"], *summary["during"].values(), summary["after"]]
    assert values == pytest.approx([each["held_out"]["mean@2"] for each in expected])
    samples = tmp_path / "run" / "samples"
    assert tags["sample/text_summary"] == [
        (step, (samples / f"step-{step:06d}.md").read_bytes()) for step in (2, 4)
    ]
    assert [step for step, _ in tags["options/text_summary"]] == [0]


@pytest.mark.parametrize("interrupt", [False, True])
def test_wandb_offline_gets_every_step_once(tmp_path, monkeypatch, interrupt):
    pytest.importorskip("wandb", reason="needs the extra wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    config = small(tmp_path / "run", log=("wandb",))
    summary = interrupted_twice(config) if interrupt else train(config)
    ids, rows = wandb_rows(tmp_path / "run")
    assert len(ids) == 1
    steps = [row for row in rows if "train/loss" in row]
    expected = metrics_of(tmp_path / "run")
    assert [row["training_step"] for row in steps] == [1, 2, 3, 4, 5]
    assert [row["train/loss"] for row in steps] == [row["loss"] for row in expected]
    measured = [row for row in rows if "evaluation/train/mean@2" in row]
    assert [row["training_step"] for row in measured] == [0, 2, 4, 5]
    assert measured[-1]["evaluation/train/mean@2"] == summary["after"]["train"]["mean@2"]
    assert [row["training_step"] for row in rows if "sample/path" in row] == [2, 4]
    assert Counter(len(row) > 0 for row in rows) == {True: 5 + 4 + 2}


def test_the_end_of_a_run_that_an_alarm_stopped_stands_where_it_stopped(tmp_path, monkeypatch):
    pytest.importorskip("tensorboard", reason="needs the extra tensorboard")
    pytest.importorskip("wandb", reason="needs the extra wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    config = small(tmp_path / "run", log=("tensorboard", "wandb"))
    assert train(config, Alarmed())["steps"] == 3
    points = tensorboard_of(tmp_path / "run")["evaluation/train/mean@2"]
    assert [step for step, _ in points] == [0, 2, 3]
    _, rows = wandb_rows(tmp_path / "run")
    measured = [row for row in rows if "evaluation/train/mean@2" in row]
    assert [row["training_step"] for row in measured] == [0, 2, 3]


def test_samples_show_what_was_voted_on(tmp_path):
    train(small(tmp_path / "run", steps=4, evaluate=False))
    folder = tmp_path / "run" / "samples"
    assert sorted(path.name for path in folder.iterdir()) == ["step-000002.md", "step-000004.md"]
    text = (folder / "step-000004.md").read_text()
    for words in ("# Step 4", "final answer within", "consensus", "reward", "## Completion 4"):
        assert words in text


def test_hostile_completions_stay_in_their_fences():
    texts = ["```\n# Owned", "````text\n<script>", "fine \\boxed{1}", "\ud800 ~~~"]
    rollout = Rollout(
        prompts=["1|2?\n```"] * 4,
        completions=[Completion(text, finished=True) for text in texts],
        rewards=np.array([0.0, 0.0, 1.0, 0.0]),
        abstained=np.zeros(4, bool),
        group_size=4,
    )
    answers = ["a\nb|c`", "x" * 500, "1", None]
    votes = {
        "answer": np.array(answers, dtype=object),
        "vote": np.array([0, 1, 2, -1]),
        "consensus": np.array(["a\nb|c`"] * 4, dtype=object),
        "majority_ratio": np.full(4, 0.25),
        "question_id": np.array(["q"] * 4, dtype=object),
    }
    text = sample_text(7, rollout, votes)
    text.encode()  # lone surrogates are gone
    outside, fence = [], None
    for line in text.splitlines():
        if fence is None and line.startswith("```"):
            fence = line.removesuffix("text")
        elif fence is not None and line == fence:
            fence = None
        elif fence is None:
            outside.append(line)
    assert fence is None
    headings = ["# Step 7", "## Prompt", "## Votes", *(f"## Completion {i}" for i in range(1, 5))]
    assert [line for line in outside if line] == headings
    assert max(map(len, text.splitlines())) < 100


@pytest.mark.parametrize(
    ("name", "module"), [("tensorboard", "torch.utils.tensorboard"), ("wandb", "wandb")]
)
def test_a_missing_package_is_named_before_anything_is_loaded(monkeypatch, name, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(AgentError, match=rf"ttrl-env\[{name}\]"):
        make_loggers(TrainConfig(log=(name,)))


def test_without_options_nobody_logs():
    assert make_loggers(TrainConfig()) == []


def test_wandb_that_refuses_ends_in_a_sentence(tmp_path, monkeypatch):
    wandb = pytest.importorskip("wandb", reason="needs the extra wandb")

    def refuse(**options):
        raise wandb.errors.UsageError("api_key not configured (no-tty)")

    monkeypatch.setattr(wandb, "init", refuse)
    with pytest.raises(AgentError, match="WANDB_MODE=offline"):
        train(small(tmp_path / "run", log=("wandb",), evaluate=False))


def test_metrics_that_are_no_number_are_left_out(tmp_path):
    pytest.importorskip("tensorboard", reason="needs the extra tensorboard")
    config = small(tmp_path / "run", log=("tensorboard",), evaluate=False, reward="random")

    class Abstains(Callback):
        def on_step(self, step, metrics):
            metrics["entropy"] = math.nan

    Trainer(config, [Abstains(), *make_loggers(config)]).run()
    assert "train/entropy" not in tensorboard_of(tmp_path / "run")
