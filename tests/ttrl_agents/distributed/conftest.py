"""What the tests of several processes compare with."""

import pytest
import torch
from ranks import RUNS
from small_runs import small

from ttrl_agents.trainer import Trainer


@pytest.fixture(scope="session")
def alone(tmp_path_factory):
    """The folder of the runs of one process; tests only read it."""
    folder = tmp_path_factory.mktemp("alone")
    torch.set_num_threads(1)
    for name, options in RUNS.items():
        Trainer(small(folder / name, **options)).run()
    return folder
