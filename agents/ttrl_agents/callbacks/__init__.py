"""Who watches a run.

- `Callback`: the base class.
- `ConsoleCallback`: the header, the live display and the table of `ttrl train`.
- `CurvesCallback`: draws `curves.png`.
"""

from ttrl_agents.callbacks.base import Callback
from ttrl_agents.callbacks.console import ConsoleCallback
from ttrl_agents.callbacks.curves import CurvesCallback, draw_curves

__all__ = ["Callback", "ConsoleCallback", "CurvesCallback", "draw_curves"]
