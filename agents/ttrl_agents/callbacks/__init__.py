"""Who watches a run.

- `Callback`: the base class.
- `CollapseMonitor`: warns, reduces the rate or stops when the votes show a collapse.
- `ConsoleCallback`: the header, the live display and the table of `ttrl train`.
- `CurvesCallback`: draws `curves.png`.
"""

from ttrl_agents.callbacks.base import Callback
from ttrl_agents.callbacks.collapse import CollapseMonitor
from ttrl_agents.callbacks.console import ConsoleCallback
from ttrl_agents.callbacks.curves import CurvesCallback, draw_curves

__all__ = ["Callback", "CollapseMonitor", "ConsoleCallback", "CurvesCallback", "draw_curves"]
