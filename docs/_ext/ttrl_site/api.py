"""The reference of the Python interface, from the docstrings of what the packages export."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ttrl_site.links import BUILT

__all__ = ["MODULES", "pages"]

MODULES = {
    "Environments": ("ttrl_env",),
    "Rewards and votes": ("ttrl_env.consensus",),
    "Answers": ("ttrl_env.answers",),
    "Benchmarks": ("ttrl_benchmarks",),
    "Configuration": (
        "ttrl_agents.config.train_config",
        "ttrl_agents.config.algorithms",
        "ttrl_agents.config.eval_config",
    ),
    "Training": (
        "ttrl_agents.trainer",
        "ttrl_agents.agent",
        "ttrl_agents.rollout",
        "ttrl_agents.learning.policy_gradient",
        "ttrl_agents.callbacks.base",
    ),
    "Policies and samplers": (
        "ttrl_agents.policy.policy",
        "ttrl_agents.policy.loading",
        "ttrl_agents.samplers.base",
    ),
    "Advantages and losses": (
        "ttrl_agents.learning.advantages.completion",
        "ttrl_agents.learning.advantages.token",
        "ttrl_agents.learning.losses.surrogates",
        "ttrl_agents.learning.losses.kl",
        "ttrl_agents.learning.losses.aggregation",
    ),
    "Evaluation": (
        "ttrl_agents.evaluate.evaluation",
        "ttrl_agents.evaluate.comparison",
        "ttrl_agents.evaluate.statistics",
    ),
}
_PAGE = """\
# {title}

{modules}
"""
_MODULE = """\
## `{module}`

```{{eval-rst}}
.. automodule:: {module}
   :members:
   :imported-members:
   :member-order: bysource
   :show-inheritance:
```
"""


def pages(root: Path) -> Iterator[tuple[str, str]]:  # noqa: ARG001 - as the other makers
    """Yields the name and text of the page of each part.

    Args:
        root: The repository.
    """
    for title, modules in MODULES.items():
        name = title.lower().replace(" ", "_")
        text = "\n".join(_MODULE.format(module=module) for module in modules)
        yield f"{BUILT}/api/{name}", _PAGE.format(title=title, modules=text)
