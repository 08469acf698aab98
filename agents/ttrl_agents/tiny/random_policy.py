"""A policy with random weights, for tests and timings.

- `random_policy`: a two-layer Llama with the tokenizer of the tiny reasoner, or any shape.
"""

from __future__ import annotations

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, PretrainedConfig

from ttrl_agents.policy.policy import Policy
from ttrl_agents.tiny import checkpoint_path

__all__ = ["random_policy"]


def random_policy(
    config: PretrainedConfig | None = None, *, name: str = "random", device: str = "cpu"
) -> Policy:
    """Returns a policy with random weights, the same ones for every call.

    Args:
        config: The shape of its model, whose vocabulary holds that of the tiny reasoner. By
            default a Llama of two layers, where every token is likely and nothing is learned.
        name: The name of the policy.
        device: The device of its weights.

    >>> random_policy().num_parameters
    39072
    """
    tokenizer = AutoTokenizer.from_pretrained(checkpoint_path())
    if config is None:
        config = LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=128,
            tie_word_embeddings=True,
            initializer_range=0.3,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=None,
        )
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(config)
    return Policy(model.to(device).eval(), tokenizer, name)
