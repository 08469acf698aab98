"""A run whose files were edited by hand: a sentence, never a traceback."""

import json

import pytest
from small_runs import CrashAfter, CrashError, small

from ttrl_agents.callbacks.curves import draw_curves
from ttrl_agents.errors import AgentError
from ttrl_agents.run import checkpoint
from ttrl_agents.run.checkpoint import keep_newest, latest_state
from ttrl_agents.trainer import Trainer, resume_config

DEEP = "[" * 100_000


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("edited") / "run"
    with pytest.raises(CrashError):
        Trainer(small(folder), [CrashAfter(3)]).run()
    return folder


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("config.json", DEEP, "cannot be read: it is nested too deeply"),
        ("config.json", "[]", "does not hold the options of a run"),
        ("metrics.jsonl", DEEP + "\n", "nested too deeply"),
        ("metrics.jsonl", "null\n", "damaged"),
        ("checkpoints/step-000002/files.json", DEEP, "files.json cannot be read"),
    ],
)
def test_an_edited_file_is_named(run, file, content, said):
    path = run / file
    before = path.read_bytes()
    path.write_text(content)
    try:
        with pytest.raises(AgentError, match=said):
            Trainer(resume_config(run), resume=True).run()
    finally:
        path.write_bytes(before)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("step", "two", "step is 'two'"),
        ("alarms", None, "alarms is None"),
        ("parts", {"best": {}}, "its parts cannot be read"),
        ("parts", {"health": [1]}, "its parts cannot be read"),
        ("more", 1, "damaged"),
    ],
)
def test_an_edited_state_is_named_also_where_its_checksums_were_edited_too(
    run, name, value, said, monkeypatch
):
    path = latest_state(run / "checkpoints") / "trainer.json"
    before = path.read_text()
    path.write_text(json.dumps(json.loads(before) | {name: value}))
    monkeypatch.setattr(checkpoint, "_damage", lambda path: None)
    try:
        with pytest.raises(AgentError, match=said):
            Trainer(resume_config(run), resume=True).run()
    finally:
        path.write_text(before)


def test_dollar_signs_in_the_path_of_a_model_do_not_spoil_the_picture(tmp_path):
    nothing = {"train": None, "held_out": None}
    summary = {"model": "m$x^$y_{", "env_id": "e", "reward": "r$^$", "seed": 0, "temperature": 1.0}
    summary |= {"steps": 0, "before": nothing, "after": nothing, "during": {}, "alarms": []}
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    assert draw_curves(tmp_path).stat().st_size > 10_000


def test_a_checkpoint_that_a_kill_left_too_many_is_removed(run, tmp_path):
    folder = tmp_path / "checkpoints"
    for step in (2, 4, 6):
        (folder / f"step-{step:06d}").mkdir(parents=True)
    keep_newest(folder, 2)
    assert sorted(each.name for each in folder.iterdir()) == ["step-000004", "step-000006"]
