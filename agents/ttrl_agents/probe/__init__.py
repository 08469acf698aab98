"""Whether a model is fit to learn without labels from some questions, from a few votes on each.

- `measure_votes`, `Indicators`: what the votes say, without labels.
- `measure_rightness`, `Rightness`: how right they are, where there are labels.
- `judge`, `Verdict`: the verdict, with its reasons and what to change.
- `steps_to_agreement`: how long learning would take to make the votes agree.
"""

from ttrl_agents.probe.indicators import Indicators, measure_votes
from ttrl_agents.probe.pace import steps_to_agreement
from ttrl_agents.probe.rightness import Rightness, measure_rightness
from ttrl_agents.probe.verdict import Reason, Verdict, judge

__all__ = [
    "Indicators",
    "Reason",
    "Rightness",
    "Verdict",
    "judge",
    "measure_rightness",
    "measure_votes",
    "steps_to_agreement",
]
