"""Options as `config.json` holds them: what is no options at all raises a clear error."""

import pytest

from ttrl_agents.config import TrainConfig
from ttrl_agents.config.eval_config import EvalConfig
from ttrl_agents.errors import AgentError


@pytest.mark.parametrize("kind", [TrainConfig, EvalConfig])
@pytest.mark.parametrize("damaged", [None, [], 3, "options"])
def test_what_is_no_object_is_named_as_damaged(kind, damaged):
    with pytest.raises(AgentError, match=r"config\.json is damaged"):
        kind.from_dict(damaged)
