"""The GPU memory that a run needs, predicted before anything is loaded.

- `ModelShape`, `model_shape`: the shape of a model, by name or from its config.json.
- `Plan`, `plan_memory`: what a run would need, and the settings that make it fit.
"""

from ttrl_agents.memory.plan import Plan, plan_memory
from ttrl_agents.memory.shapes import ModelShape, model_shape

__all__ = ["ModelShape", "Plan", "model_shape", "plan_memory"]
