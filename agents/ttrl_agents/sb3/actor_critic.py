"""A language model as a policy of Stable-Baselines3.

- `CausalLMActorCriticPolicy`: the policy.
- `LanguageModel`: the model as what Stable-Baselines3 calls a features extractor.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.distributions import CategoricalDistribution, Distribution
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.type_aliases import PyTorchObs, Schedule
from torch import nn
from torch.distributions import Categorical

from ttrl_agents.errors import AgentError
from ttrl_agents.policy.loading import load_policy
from ttrl_agents.policy.log_probs import LogProbs, TokenBatch
from ttrl_agents.policy.policy import Policy
from ttrl_agents.samplers.base import SamplingParams
from ttrl_agents.samplers.decoding import draw_tokens
from ttrl_agents.sb3.prefix_cache import PrefixCache
from ttrl_agents.sb3.sequences import longest_sequences

__all__ = ["CausalLMActorCriticPolicy", "LanguageModel"]

_KEYS = {"input_ids", "attention_mask", "prompt_length", "finished"}


class LanguageModel(BaseFeaturesExtractor):
    """A causal language model: token ids in, hidden states out.

    Args:
        observation_space: The space of `TokenVectorEnv`.
        model: What `load_policy` takes.

    Raises:
        AgentError: The model cannot be loaded, or does more to its logits than its LM head.
    """

    def __init__(self, observation_space: spaces.Dict, model: str) -> None:
        policy = load_policy(model, device="cpu")  # the algorithm moves it where it trains
        super().__init__(observation_space, policy.model.config.get_text_config().hidden_size)
        self.policy = policy
        self.network: nn.Module = policy.model
        self._scores = LogProbs(policy)
        if not self._scores.chunked:
            raise AgentError(
                f"The logits of model {model!r} are not its LM head's alone, which this policy "
                "needs. `ttrl train` takes such models."
            )

    def forward(
        self, ids: torch.Tensor, lengths: torch.Tensor, prompt_lengths: torch.Tensor
    ) -> torch.Tensor:
        """Returns the hidden state at the last token of each row, with its gradient.

        A row that is the beginning of another is not run again, and a shared prompt is run once.

        Args:
            ids: Token ids, shape (rows, width).
            lengths: How many of each row are tokens.
            prompt_lengths: How many of these are the prompt's.
        """
        table, ends = ids.cpu().numpy(), lengths.cpu().numpy()
        begins = prompt_lengths.cpu().numpy()
        longest, place = longest_sequences(table, ends)
        pad = self.policy.pad_token_id
        batch = TokenBatch.from_ids(
            [tuple(table[row, : begins[row]].tolist()) for row in longest],
            # One more than was written: there is a state before the next token, too.
            [[*table[row, begins[row] : ends[row]], pad] for row in longest],
            pad_token_id=pad,
            device=self.policy.device,
        )
        with self.policy.precision():
            states = self._scores.outputs(batch)
        sizes = ends[longest] - begins[longest] + 1
        first = np.cumsum(sizes) - sizes
        index = first[place] + ends - begins
        return states[torch.from_numpy(index).to(states.device)]


class CausalLMActorCriticPolicy(ActorCriticPolicy):
    """Writes with a causal language model; a value head reads its last hidden state.

    For `TokenVectorEnv` in an `SB3VecEnv`. The logits are the LM head's, at temperature 1. While
    acting, only the newest token of each completion is read. While learning, observations that are
    the beginning of others are not read again: it costs one pass over the distinct sequences of a
    minibatch, however many of their tokens it holds. Members that wait for their group write
    padding with log-probability, entropy and value 0, and without any gradient. Dropout stays off,
    so that what is learned from is what was sampled from.

    The options of `policy_kwargs` are kept in the files that Stable-Baselines3 saves; the model
    is therefore named, not passed. To write a Hugging Face checkpoint, call
    `policy.language_model.save(folder)`.

    Args:
        observation_space: The space of `TokenVectorEnv`.
        action_space: One id of the model's vocabulary.
        lr_schedule: The learning rate.
        use_sde: Not supported; it is for continuous actions.
        model: What `load_policy` takes: `"tiny"`, a folder, an id on the Hub.
        use_cache: Whether to remember what was read while acting. Models whose layers slide or
            recur need `False`, and then read every prefix again.
        value_gradient: Whether the value loss also moves the language model.
        optimizer_class: The optimizer.
        optimizer_kwargs: Its options.

    Raises:
        AgentError: The model cannot be loaded, or has no fitting cache.
        ValueError: The spaces are not those of a `TokenVectorEnv` for this model.
    """

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        lr_schedule: Schedule,
        use_sde: bool = False,
        *,
        model: str = "tiny",
        use_cache: bool = True,
        value_gradient: bool = True,
        optimizer_class: type[torch.optim.Optimizer] = torch.optim.Adam,
        optimizer_kwargs: dict[str, Any] | None = None,
    ) -> None:
        if not isinstance(observation_space, spaces.Dict) or set(observation_space) != _KEYS:
            raise ValueError(
                f"this policy reads the observations of TokenVectorEnv, not {observation_space}"
            )
        if use_sde:
            raise ValueError("use_sde is for continuous actions; a token is none")
        self._arguments = {
            "model": model,
            "use_cache": use_cache,
            "value_gradient": value_gradient,
        }
        super().__init__(
            observation_space,
            action_space,
            lr_schedule,
            features_extractor_class=LanguageModel,
            features_extractor_kwargs={"model": model},
            optimizer_class=optimizer_class,
            optimizer_kwargs=optimizer_kwargs,
        )

    @property
    def language_model(self) -> Policy:
        """The language model with its tokenizer, as the rest of this package uses it."""
        return self._extractor.policy

    @property
    def _extractor(self) -> LanguageModel:
        return cast(LanguageModel, self.features_extractor)

    def _build(self, lr_schedule: Schedule) -> None:
        """Makes the value head and the optimizer; the rest is the language model."""
        width = self.language_model.vocabulary_size
        if not isinstance(self.action_space, spaces.Discrete) or self.action_space.n != width:
            raise ValueError(
                f"model {self.language_model.name!r} writes ids from 0 to {width - 1}, and the "
                f"action space is {self.action_space}; make the environment with its tokenizer"
            )
        capacity = cast(spaces.Dict, self.observation_space)["input_ids"].shape[0]  # type: ignore[index]
        self._memory = (
            PrefixCache(self.language_model, capacity) if self._arguments["use_cache"] else None
        )
        self.value_net = nn.Linear(self.features_dim, 1)
        nn.init.zeros_(self.value_net.weight)  # value 0 before the first reward
        nn.init.zeros_(self.value_net.bias)
        self.optimizer = self.optimizer_class(
            self.parameters(),
            lr=lr_schedule(1),  # type: ignore[call-arg]
            **self.optimizer_kwargs,
        )

    def _get_constructor_parameters(self) -> dict[str, Any]:
        return {
            "observation_space": self.observation_space,
            "action_space": self.action_space,
            "lr_schedule": self._dummy_schedule,
            "optimizer_class": self.optimizer_class,
            "optimizer_kwargs": self.optimizer_kwargs,
            **self._arguments,
        }

    def train(self, mode: bool = True) -> CausalLMActorCriticPolicy:
        """Sets the mode of the value head; the language model stays without dropout."""
        super().train(mode)
        self._extractor.network.eval()
        return self

    def forward(
        self, obs: PyTorchObs, deterministic: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Writes the next token of each completion.

        Returns:
            Tokens, values and log-probabilities.
        """
        rows = _Rows(obs)
        if len(rows.active) == 0:
            return self._padding(rows), *self._nothing(rows)[:2]
        logits, values = self._heads(self._recall(rows))
        tokens, log_probs = self._draw(logits, deterministic)
        return (
            self._padding(rows).index_put((rows.active,), tokens),
            rows.spread(values)[:, None],
            rows.spread(log_probs),
        )

    def evaluate_actions(
        self, obs: PyTorchObs, actions: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Returns values, log-probabilities and entropies, all with gradient.

        Observations may come in any order and any number.
        """
        rows = _Rows(obs)
        if len(rows.active) == 0:
            return self._nothing(rows)
        logits, values = self._heads(self._read(rows))
        chosen = actions.reshape(-1)[rows.active].long()
        normalised = logits.log_softmax(-1)
        log_probs = normalised.gather(-1, chosen[:, None]).squeeze(-1)
        entropies = -(normalised.exp() * normalised).sum(-1)
        return rows.spread(values)[:, None], rows.spread(log_probs), rows.spread(entropies)

    def predict_values(self, obs: PyTorchObs) -> torch.Tensor:
        """Returns the values.

        While a completion waits for its group, its value is the one before its last token: the
        worth of this token is not known until the group is rewarded.
        """
        rows = _Rows(obs, finished_too=True)
        return self._heads(self._read(rows))[1][:, None]

    def get_distribution(self, obs: PyTorchObs) -> Distribution:
        """Returns the distribution of the next token; that of a waiting member is padding."""
        rows = _Rows(obs)
        certain = torch.full((len(rows.finished), 1), -torch.inf, device=self.device)
        logits = certain.repeat(1, self.language_model.vocabulary_size)
        logits[:, self.language_model.pad_token_id] = 0.0
        if len(rows.active):
            logits = logits.index_put((rows.active,), self._heads(self._read(rows))[0])
        distribution = CategoricalDistribution(logits.shape[-1])
        # A certain action has log-probabilities of minus infinity, which the check would reject.
        distribution.distribution = Categorical(logits=logits, validate_args=False)
        return distribution

    def extract_features(
        self,
        obs: PyTorchObs,
        features_extractor: Any = None,  # noqa: ARG002 - the interface
    ) -> torch.Tensor:
        """Returns the hidden state of each observation, its ids as integers throughout."""
        return self._read(_Rows(obs, finished_too=True))

    def _predict(self, observation: PyTorchObs, deterministic: bool = False) -> torch.Tensor:
        tokens: torch.Tensor = self(observation, deterministic)[0]
        return tokens

    def _recall(self, rows: _Rows) -> torch.Tensor:
        """Hidden states of the rows that write, from the cache if there is one."""
        if self._memory is None:
            return self._read(rows)
        return self._memory.read(rows.active, rows.ids[rows.active], rows.lengths[rows.active])

    def _read(self, rows: _Rows) -> torch.Tensor:
        """Hidden states of the rows that write, from the model."""
        ids, lengths = rows.ids[rows.active], rows.lengths[rows.active]
        states: torch.Tensor = self._extractor(ids, lengths, rows.prompt_lengths[rows.active])
        return states

    def _heads(self, states: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits and values."""
        read = states if self._arguments["value_gradient"] else states.detach()
        with self.language_model.precision():
            logits = self.language_model.model.get_output_embeddings()(states)
        return logits.float(), self.value_net(read.float()).squeeze(-1)

    def _draw(self, logits: torch.Tensor, deterministic: bool) -> tuple[torch.Tensor, torch.Tensor]:
        """Tokens and their log-probabilities; the draw is seeded by the algorithm's seed."""
        uniforms = torch.rand(len(logits), dtype=torch.float64, device=logits.device)
        return draw_tokens(logits, uniforms, SamplingParams(1, 0.0 if deterministic else 1.0))

    def _padding(self, rows: _Rows) -> torch.Tensor:
        return torch.full_like(rows.lengths, self.language_model.pad_token_id)

    def _nothing(self, rows: _Rows) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Values, log-probabilities and entropies where every member waits.

        They depend on a weight, with gradient 0, since an algorithm calls `backward` on them.
        """
        zeros = torch.zeros(len(rows.finished), device=self.device)
        zeros = zeros + 0.0 * self.value_net.bias
        return zeros[:, None], zeros, zeros


class _Rows:
    """The parts of an observation; `active` are the rows that are read."""

    def __init__(self, obs: PyTorchObs, *, finished_too: bool = False) -> None:
        parts = cast(dict[str, torch.Tensor], obs)
        if any(parts[key].is_floating_point() for key in ("input_ids", "prompt_length")):
            raise TypeError(
                "token ids or their number came as floats, which are others once they are "
                "normalised; wrap the environment in VecNormalize with norm_obs=False"
            )
        self.ids = parts["input_ids"].long()
        self.finished = parts["finished"].reshape(-1).bool()
        self.prompt_lengths = parts["prompt_length"].reshape(-1).long()
        self.lengths = parts["attention_mask"].long().sum(dim=1)
        if finished_too:
            self.lengths = self.lengths - self.finished.long()
            self.active = torch.arange(len(self.finished), device=self.finished.device)
        else:
            self.active = (~self.finished).nonzero().squeeze(-1)

    def spread(self, values: torch.Tensor) -> torch.Tensor:
        """Returns one value per row: those of the active rows, and 0 for the others."""
        return values.new_zeros(len(self.finished)).index_put((self.active,), values)
