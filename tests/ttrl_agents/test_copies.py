"""What can be copied and pickled, and the one thing that cannot."""

import copy
import pickle
from pathlib import Path

import pytest
from small_runs import small

from ttrl_agents.callbacks import ConsoleCallback
from ttrl_agents.trainer import Interrupted, Trainer


def through_pickle(thing):
    return pickle.loads(pickle.dumps(thing))  # noqa: S301 - our own


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, through_pickle])
def test_a_stop_and_a_console_can_be_copied(copied, capsys):
    stop = copied(Interrupted(Path("run"), 3))
    assert (stop.folder, stop.step, str(stop)) == (Path("run"), 3, "stopped after step 3")
    console = copied(ConsoleCallback())
    console.on_phase("training")
    assert capsys.readouterr().out == "training ...\n"


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, through_pickle])
def test_a_trainer_says_why_it_cannot(copied, tmp_path):
    trainer = Trainer(small(tmp_path / "run"))
    with pytest.raises(TypeError, match="owns its folder, so it cannot be copied"):
        copied(trainer)
