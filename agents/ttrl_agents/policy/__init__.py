"""The language model that is trained: loading, adapters, log-probabilities, saving.

- `Policy`: a causal language model, its tokenizer and its device.
- `load_policy`: loads one from a folder, a GGUF file, a Hugging Face id, or `"tiny"`.
- `LogProbs`, `TokenBatch`: the log-probabilities of completions.
"""

from ttrl_agents.policy.loading import load_policy, resolve_device
from ttrl_agents.policy.log_probs import LogProbs, TokenBatch
from ttrl_agents.policy.policy import Policy

__all__ = ["LogProbs", "Policy", "TokenBatch", "load_policy", "resolve_device"]
