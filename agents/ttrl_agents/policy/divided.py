"""The policies of a run, whole on every rank or divided over the ranks.

- `load_policy_of_run`: the policy that is trained, initial or from a checkpoint.
- `load_initial_policy`: the policy that training starts from, to compare with.
- `copy_of`: a second model like that of a policy.
- `copy_weights`: copies the weights of one policy into another.
- `sampling_copy`: an undivided copy of a divided policy, which samples.

A large model is never whole in the memory of a rank: it is made without memory for its weights,
divided, and each rank reads its part of them from the files. Models that cannot be read like that
(GGUF files, adapters, names that transformers converts) are loaded whole and then divided.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from ttrl_agents.config.serialization import option_name
from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.distributed.sharding import Sharding, empty_copy, sharding_of
from ttrl_agents.distributed.shards import fill_from_files, holds_shards, names_in
from ttrl_agents.distributed.world import world
from ttrl_agents.errors import AgentError
from ttrl_agents.policy.loading import (
    adapter_folder,
    load_policy,
    load_run_policy,
    locate_model,
    read_template,
    resolve_device,
    resolve_dtype,
)
from ttrl_agents.policy.model_files import check_model_files
from ttrl_agents.policy.policy import Policy, error_text, quiet_libraries

__all__ = [
    "copy_of",
    "copy_weights",
    "load_initial_policy",
    "load_policy_of_run",
    "sampling_copy",
]

_FILES = ["*.json", "*.jinja", "*.model", "*.safetensors", "*.txt"]


def load_policy_of_run(config: TrainConfig, saved: Path | None = None) -> Policy:
    """Loads the policy that a run trains.

    Args:
        config: The options of the run.
        saved: The model of the checkpoint that it resumes from, if any.

    Raises:
        AgentError: There is no such model, or it cannot be read.
    """
    divide = _divides(config)
    if config.lora_rank == 0:
        source = config.model if saved is None else str(saved)
        policy = _read_in_parts(config, source, divide=divide)
        if policy is not None:
            policy.name = config.model
            return policy
    return _whole(lambda: load_run_policy(config, saved), divide=divide)


def load_initial_policy(config: TrainConfig) -> Policy:
    """Loads the policy that the training of a run starts from; its weights are not trained.

    Raises:
        AgentError: There is no such model, or it cannot be read.
    """

    def load() -> Policy:
        return load_policy(
            config.model,
            device=config.device,
            dtype=config.dtype,
            chat_template=config.chat_template,
        )

    divide = _divides(config)
    policy = _read_in_parts(config, config.model, divide=True, trained=False) if divide else None
    policy = policy or _whole(load, divide=divide)
    policy.model.requires_grad_(False)
    policy.template.set_date(config.template_date)
    return policy


def copy_of(policy: Policy, *, trained: bool = True) -> Any:
    """Returns a second model like that of a policy, with its weights, divided as it is.

    Args:
        policy: The policy.
        trained: Whether its weights need a gradient.
    """
    sharding = sharding_of(policy.model)
    if sharding is not None:
        return sharding.another(policy.model, trained=trained)
    model = copy.deepcopy(policy.model)
    return model if trained else model.eval().requires_grad_(False)


@torch.no_grad()
def copy_weights(source: Policy, target: Policy) -> None:
    """Copies the weights of one policy into another that is made and divided as it is."""
    pairs = zip(source.model.parameters(), target.model.parameters(), strict=True)
    for one, other in pairs:
        other.copy_(one)


def sampling_copy(policy: Policy) -> Policy:
    """Returns an undivided copy of a divided policy, whose weights are not set."""
    sharding = sharding_of(policy.model)
    if sharding is None:
        raise ValueError("this policy is not divided, so it can sample itself")
    model = empty_copy(sharding.template, device=sharding.device, dtype=sharding.compute_dtype)
    model.requires_grad_(False)
    # Buffers of the template may still be where it was made.
    return Policy(model.to(sharding.device).eval(), policy.tokenizer, policy.name)


def _divides(config: TrainConfig) -> bool:
    if config.shard != "full" or world().size == 1:
        return False
    whole_alone = (("optimizer_bits", 32), ("offload_reference", False), ("kernels", "torch"))
    for name, whole in whole_alone:
        if getattr(config, name) != whole:
            raise AgentError(
                f"{option_name(name)} is for weights that are whole on a GPU, and --shard full "
                "divides them. Leave one of the two out."
            )
    return True


def _whole(load: Callable[[], Policy], *, divide: bool) -> Policy:
    """Loads a policy whole, and divides it if asked to."""
    policy = load()
    if not divide:
        return policy
    dtype = policy.compute_dtype
    for each in policy.model.parameters():
        if each.requires_grad:
            each.data = each.data.float()
    Sharding(policy.model, world(), policy.device, dtype).divide(policy.model)
    return policy


def _read_in_parts(
    config: TrainConfig, source: str, *, divide: bool, trained: bool = True
) -> Policy | None:
    """Loads a policy each rank its part, or whole from parts; `None` if that is not possible."""
    if adapter_folder(source) is not None:
        return None
    place, gguf = locate_model(source)
    folder = None if gguf else _local_folder(place, download=divide)
    if folder is None or not (divide or holds_shards(folder)):
        return None
    from accelerate import init_empty_weights  # which takes a while to import

    device = resolve_device(config.device)
    dtype = resolve_dtype(config.dtype, device)
    with quiet_libraries():
        try:
            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
            shape = AutoConfig.from_pretrained(folder, trust_remote_code=False)
            check_model_files(str(folder), shape)
            with init_empty_weights(include_buffers=False):
                model: Any = AutoModelForCausalLM.from_config(
                    shape,
                    dtype=torch.float32 if divide and trained else dtype,
                    trust_remote_code=False,
                )
            model.eval().tie_weights()
            if (folder / "generation_config.json").is_file():
                model.generation_config = GenerationConfig.from_pretrained(folder)
            names = {name for name, _ in model.named_parameters()}
            if not names <= names_in(folder):
                return None
            if divide:
                sharding = Sharding(model, world(), device, dtype)
                sharding.divide(model)
                sharding.fill(model)
            else:
                model = empty_copy(model, device=device).to(device)  # buffers too
            fill_from_files(folder, {name: each.data for name, each in model.named_parameters()})
        except AgentError:
            raise
        except Exception as error:  # damaged files raise any error
            raise AgentError(f"Model {source!r} cannot be loaded: {error_text(error)}") from error
    if config.chat_template is not None:
        tokenizer.chat_template = read_template(config.chat_template)
    return Policy(model, tokenizer, source)


def _local_folder(place: str, *, download: bool) -> Path | None:
    """Returns the folder of a model, that of the Hub's cache if it is one on the Hub."""
    if Path(place).is_dir():
        return Path(place)
    if not download:
        return None
    try:
        return Path(snapshot_download(place, allow_patterns=_FILES))
    except (OSError, ValueError, HfHubHTTPError):
        return None  # loading it whole says what is wrong
