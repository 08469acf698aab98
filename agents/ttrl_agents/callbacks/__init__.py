"""Callbacks: progress, logs, plots, collapse alarms.

- `Callback`: the base class; `Run`: what a callback sees of a run.
- `CollapseMonitor`: warns, reduces the learning rate or stops when the votes show a collapse.
- `ConsoleCallback`: the header, the live display and the table of `ttrl train`.
- `CurvesCallback`: draws `curves.png`.
- `ReportCallback`: writes `report.html`.
- `SamplesCallback`: writes completions of one question at intervals.
- `TensorBoardCallback`, `TrackioCallback`, `WandbCallback`: log the run.
- `VotesCallback`: keeps the votes of every group in `votes.jsonl`.
- `CALLBACKS`: the callbacks that `--log` takes by name, those of installed packages included;
  `register_callback` adds one, and `make_loggers` makes those that the options ask for.
"""

from ttrl_agents.callbacks.base import Callback, Run
from ttrl_agents.callbacks.collapse import CollapseMonitor
from ttrl_agents.callbacks.console import ConsoleCallback
from ttrl_agents.callbacks.curves import CurvesCallback, draw_curves
from ttrl_agents.callbacks.loggers import make_loggers
from ttrl_agents.callbacks.registry import CALLBACKS, register_callback
from ttrl_agents.callbacks.report import ReportCallback
from ttrl_agents.callbacks.samples import SamplesCallback
from ttrl_agents.callbacks.tensorboard import TensorBoardCallback
from ttrl_agents.callbacks.trackio import TrackioCallback
from ttrl_agents.callbacks.votes import VotesCallback
from ttrl_agents.callbacks.wandb import WandbCallback

__all__ = [
    "CALLBACKS",
    "Callback",
    "CollapseMonitor",
    "ConsoleCallback",
    "CurvesCallback",
    "ReportCallback",
    "Run",
    "SamplesCallback",
    "TensorBoardCallback",
    "TrackioCallback",
    "VotesCallback",
    "WandbCallback",
    "draw_curves",
    "make_loggers",
    "register_callback",
]
