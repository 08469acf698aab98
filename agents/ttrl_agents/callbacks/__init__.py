"""Who watches a run.

- `Callback`: the base class.
- `CollapseMonitor`: warns, reduces the rate or stops when the votes show a collapse.
- `ConsoleCallback`: the header, the live display and the table of `ttrl train`.
- `CurvesCallback`: draws `curves.png`.
- `SamplesCallback`: writes completions of one question at intervals.
- `TensorBoardCallback`, `WandbCallback`: log the run; `make_loggers`: those that options ask for.
"""

from ttrl_agents.callbacks.base import Callback
from ttrl_agents.callbacks.collapse import CollapseMonitor
from ttrl_agents.callbacks.console import ConsoleCallback
from ttrl_agents.callbacks.curves import CurvesCallback, draw_curves
from ttrl_agents.callbacks.loggers import make_loggers
from ttrl_agents.callbacks.samples import SamplesCallback
from ttrl_agents.callbacks.tensorboard import TensorBoardCallback
from ttrl_agents.callbacks.wandb import WandbCallback

__all__ = [
    "Callback",
    "CollapseMonitor",
    "ConsoleCallback",
    "CurvesCallback",
    "SamplesCallback",
    "TensorBoardCallback",
    "WandbCallback",
    "draw_curves",
    "make_loggers",
]
