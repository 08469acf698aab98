"""Low-rank adapters (LoRA), which are trained in place of the model's own weights.

- `LoraPolicy`: a policy of which only the adapters are trained.
- `LoraBase`: the same model without its adapters, which needs no second copy of the weights.
- `add_adapters`: new adapters for a policy; those of a checkpoint: `load_adapters`.

`LoraPolicy.model` is the `transformers` model itself, its linear layers wrapped in place by `peft`:
samplers and log-probabilities use it like any other model. Adapters are float32, their files
safetensors; a pickled adapter is never opened.
"""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from ttrl_agents.distributed.sharding import full, sharding_of
from ttrl_agents.distributed.world import world
from ttrl_agents.errors import AgentError
from ttrl_agents.policy.policy import Policy, quiet_libraries
from ttrl_agents.seeds import Stream, derive_seed

if TYPE_CHECKING:
    from peft import PeftModel

__all__ = ["LoraBase", "LoraPolicy", "add_adapters", "load_adapters"]

ADAPTER_WEIGHTS = "adapter_model.safetensors"


class LoraPolicy(Policy):
    """A language model of which only the adapters are trained.

    Args:
        adapted: The model, wrapped by `peft`.
        tokenizer: Its tokenizer.
        name: The name of the model in headers and errors.
        saved_as: What `save` writes: a whole model with its adapters merged, or the adapters.
    """

    def __init__(
        self,
        adapted: PeftModel,
        tokenizer: Any,
        name: str,
        *,
        saved_as: Literal["merged", "adapter"] = "merged",
    ) -> None:
        super().__init__(adapted.get_base_model(), tokenizer, name)
        self.adapted = adapted
        self.saved_as = saved_as

    def base(self) -> LoraBase:
        """Returns the model without its adapters: the same weights, not a copy."""
        return LoraBase(self)

    def weights(self) -> Iterator[tuple[str, torch.Tensor]]:
        """Yields the weights of a plain model that computes the same as this one."""
        from peft.tuners.lora import LoraLayer

        modules = self.model.named_modules()
        layers: dict[str, Any] = {
            name: layer for name, layer in modules if isinstance(layer, LoraLayer)
        }
        for name, tensor in self.model.state_dict().items():
            owner, base, kind = name.rpartition(".base_layer.")
            if base:
                if kind == "weight":
                    # Added in float32, so that only the sum is rounded.
                    delta = _delta(layers[owner])
                    tensor = (full(tensor).float() + delta.float()).to(tensor.dtype)
                yield f"{owner}.{kind}", full(tensor)
            elif not any(name.startswith(f"{layer}.lora_") for layer in layers):
                yield name, full(tensor)

    def save(self, folder: Path) -> None:
        """Writes the result of a finished run, as `saved_as` says."""
        if self.saved_as == "adapter":
            self.save_for_resuming(folder)
            return
        sharding = sharding_of(self.model)
        model = self.model if sharding is None else sharding.template
        with quiet_libraries():
            merged = {name: tensor.cpu().contiguous() for name, tensor in self.weights()}
            if sharding is not None:
                if not world().leads:
                    return
                # Gathered, weights that are shared are not recognised as such any more.
                once = {name for name, _ in model.named_parameters()}
                every = {name for name, _ in model.named_parameters(remove_duplicate=False)}
                merged = {name: each for name, each in merged.items() if name not in every - once}
            model.save_pretrained(folder, state_dict=merged)
            self.tokenizer.save_pretrained(folder)

    def save_for_resuming(self, folder: Path, *, in_parts: bool = False) -> None:  # noqa: ARG002 - they are small
        """Writes the adapters, as `peft` reads them, and the tokenizer."""
        from peft import get_peft_model_state_dict

        tensors = get_peft_model_state_dict(self.adapted, save_embedding_layers=False)
        if sharding_of(self.model) is not None:
            tensors = {name: full(tensor) for name, tensor in tensors.items()}
            if not world().leads:
                return
        folder.mkdir(parents=True, exist_ok=True)
        save_file(
            {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()},
            folder / ADAPTER_WEIGHTS,
            metadata={"format": "pt"},
        )
        self.adapted.peft_config["default"].save_pretrained(str(folder))
        with quiet_libraries():
            self.tokenizer.save_pretrained(folder)


class LoraBase(Policy):
    """The model of a `LoraPolicy` without its adapters, within `precision`.

    Args:
        policy: The policy.
    """

    def __init__(self, policy: LoraPolicy) -> None:
        self._adapted = policy.adapted
        super().__init__(policy.model, policy.tokenizer, policy.name)
        self.template = policy.template

    @contextlib.contextmanager
    def precision(self) -> Iterator[None]:
        """Runs the model as `Policy.precision` does, its adapters switched off meanwhile."""
        with self._adapted.disable_adapter(), super().precision():
            yield


def add_adapters(
    policy: Policy,
    *,
    rank: int,
    alpha: float | None = None,
    seed: int = 0,
    saved_as: Literal["merged", "adapter"] = "merged",
) -> LoraPolicy:
    """Wraps every linear layer but the head with a new adapter; the model answers as before.

    Args:
        policy: The policy, whose model is changed in place.
        rank: The rank of the adapters.
        alpha: They are scaled by this over their rank; by default twice the rank.
        seed: The seed of their initial values.
        saved_as: What the policy's `save` writes.

    Raises:
        AgentError: `peft` is not installed, or the model has no layers to adapt.
    """
    try:
        from peft import LoraConfig
    except ImportError as error:
        raise AgentError(
            "--lora-rank needs the package peft: pip install 'ttrl-env[agents]'"
        ) from error
    options = LoraConfig(
        r=rank,
        # peft's annotation says int, its arithmetic takes any number.
        lora_alpha=cast(int, 2 * rank if alpha is None else alpha),
        lora_dropout=0.0,
        target_modules="all-linear",
        bias="none",
        task_type="CAUSAL_LM",
    )
    adapted = _wrap(policy, options)
    generator = torch.Generator().manual_seed(derive_seed(seed, Stream.LORA) % 2**63)
    with torch.no_grad():
        for name, weight in sorted(adapted.named_parameters()):
            if ".lora_A." in name:  # as in peft, but from a generator of the run
                bound = 1 / math.sqrt(weight.shape[1])
                drawn = torch.rand(weight.shape, generator=generator)
                weight.copy_((2 * drawn - 1) * bound)
            elif ".lora_B." in name:
                weight.zero_()
    return _adapted(adapted, policy, saved_as)


def load_adapters(
    policy: Policy, folder: Path, *, saved_as: Literal["merged", "adapter"] = "merged"
) -> LoraPolicy:
    """Wraps a policy with the adapters of a folder.

    Args:
        policy: The policy that they were trained on, whose model is changed in place.
        folder: The folder of the adapters, as `peft` or a run wrote them.
        saved_as: What the policy's `save` writes.

    Raises:
        AgentError: `peft` is not installed, the folder has no adapters in safetensors, or they are
            those of another model.
    """
    try:
        from peft import LoraConfig, set_peft_model_state_dict
    except ImportError as error:
        raise AgentError(
            f"{folder} holds an adapter, which needs the package peft: "
            "pip install 'ttrl-env[agents]'"
        ) from error
    weights = folder / ADAPTER_WEIGHTS
    if not weights.is_file():
        raise AgentError(
            f"{folder} has no {ADAPTER_WEIGHTS}; an adapter of any other format is not read."
        )
    try:
        options = LoraConfig.from_pretrained(str(folder))
        tensors = load_file(weights)
    except (OSError, SafetensorError, ValueError, TypeError) as error:
        raise AgentError(f"The adapter in {folder} cannot be read: {error}") from error
    options.inference_mode = False
    adapted = _wrap(policy, options)
    wrong = AgentError(f"The adapter in {folder} is not one of model {policy.name!r}.")
    try:
        result: Any = set_peft_model_state_dict(adapted, tensors)
    except RuntimeError as error:  # shapes differ
        raise wrong from error
    if result.unexpected_keys or any(".lora_" in key for key in result.missing_keys):
        raise wrong
    return _adapted(adapted, policy, saved_as)


def _adapted(
    adapted: PeftModel, policy: Policy, saved_as: Literal["merged", "adapter"]
) -> LoraPolicy:
    whole = LoraPolicy(adapted, policy.tokenizer, policy.name, saved_as=saved_as)
    whole.template = policy.template  # which keeps its date
    return whole


def _delta(layer: Any) -> torch.Tensor:
    """Returns what the adapter of a layer adds to its weight."""
    down, up = layer.lora_A["default"].weight, layer.lora_B["default"].weight
    delta: torch.Tensor
    if full(down) is down:
        delta = layer.get_delta_weight("default").detach()
    else:
        delta = (full(up) @ full(down)).detach() * layer.scaling["default"]
    return delta


def _wrap(policy: Policy, options: Any) -> PeftModel:
    from peft import get_peft_model

    options.base_model_name_or_path = None  # or peft warns that it puts a path of its own there
    # peft draws values that are replaced at once from PyTorch's global generator; restore it.
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of transformers, about peft
        try:
            adapted: Any = get_peft_model(policy.model, options, autocast_adapter_dtype=False)
        except ValueError as error:
            raise AgentError(f"Model {policy.name!r} cannot be adapted: {error}") from error
    place = Path(policy.name).expanduser()
    options.base_model_name_or_path = str(place.resolve()) if place.exists() else policy.name
    adapted.to(policy.device).eval()
    return cast("PeftModel", adapted)
