"""trackio, the package itself, on this machine: everything arrives, and nothing twice."""

import json
import sys

import pytest
from logged_runs import Alarmed, interrupted_twice, metrics_of, small, train
from trackio_log import trackio_alerts, trackio_rows

from ttrl_agents.callbacks import make_loggers
from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.errors import AgentError


@pytest.fixture(scope="module", autouse=True)
def _projects(tmp_path_factory):
    """Keeps trackio's projects in a temporary folder, which it reads when it is imported."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TRACKIO_DIR", str(tmp_path_factory.mktemp("trackio")))
        for name in ("TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL", "TRACKIO_WEBHOOK_URL"):
            patched.delenv(name, raising=False)
        for name in [each for each in sys.modules if each.split(".")[0] == "trackio"]:
            patched.delitem(sys.modules, name)
        pytest.importorskip("trackio", reason="needs the extra trackio")
        yield


def rows_of(folder):
    """The rows of a run, which is found by the name that it remembers."""
    remembered = json.loads((folder / "trackio" / "logged.json").read_text())
    (name,) = (each for each in trackio_rows() if each.endswith(remembered["id"]))
    assert name == f"{folder.name}-{remembered['id']}"
    return trackio_rows()[name]


@pytest.mark.parametrize("interrupt", [False, True])
def test_every_step_arrives_once(tmp_path, interrupt):
    config = small(tmp_path / "run", log=("trackio",))
    summary = interrupted_twice(config) if interrupt else train(config)
    rows = rows_of(tmp_path / "run")
    steps = [row for row in rows if "train/loss" in row]
    assert [row["step"] for row in steps] == [1, 2, 3, 4, 5]
    expected = metrics_of(tmp_path / "run")
    assert [row["train/loss"] for row in steps] == pytest.approx([row["loss"] for row in expected])
    measured = [row for row in rows if "evaluation/train/mean@2" in row]
    assert [row["step"] for row in measured] == [0, 2, 4, 5]
    assert measured[-1]["evaluation/train/mean@2"] == summary["after"]["train"]["mean@2"]
    samples = [row for row in rows if "sample" in row]
    assert [row["step"] for row in samples] == [2, 4]
    assert "## Completion 4" in samples[0]["sample"]["_value"]


def test_an_alarm_is_an_alert(tmp_path):
    train(small(tmp_path / "alarmed", log=("trackio",), evaluate=False), Alarmed())
    (alert,) = (each for each in trackio_alerts() if each["run"].startswith("alarmed-"))
    assert (alert["title"], alert["text"], alert["step"]) == ("kl alarm", "far away", 3)
    assert alert["level"] == "warn"


def test_two_runs_of_the_same_folder_name_do_not_mix(tmp_path):
    options = {"log": ("trackio",), "steps": 1, "evaluate": False, "sample_every": 0}
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        train(small(tmp_path / place / "run", **options))
        assert [row["step"] for row in rows_of(tmp_path / place / "run")] == [1]


def test_trackio_that_does_not_accept_the_run_ends_in_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("TRACKIO_SERVER_URL", "http://localhost:1")  # without the token it needs
    with pytest.raises(AgentError, match="unset TRACKIO_SPACE_ID and TRACKIO_SERVER_URL"):
        train(small(tmp_path / "run", log=("trackio",), evaluate=False))


def test_the_missing_package_is_named_before_anything_is_loaded(monkeypatch):
    monkeypatch.setitem(sys.modules, "trackio", None)
    with pytest.raises(AgentError, match=r"ttrl-env\[trackio\]"):
        make_loggers(TrainConfig(log=("trackio",)))
