"""A language model behind the interface of Stable-Baselines3."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3.common.utils import obs_as_tensor
from stable_baselines3.common.vec_env import VecNormalize
from transformers import AutoModelForCausalLM, MistralConfig, MistralForCausalLM

from ttrl_agents.errors import AgentError
from ttrl_agents.policy.loading import load_policy
from ttrl_agents.policy.policy import Policy
from ttrl_agents.sb3 import CausalLMActorCriticPolicy, make_token_envs, token_codec

Observation = dict[str, torch.Tensor]


def roll(policy: Any, vec_env: Any, steps: int) -> list[tuple[Observation, Any]]:
    """Acts, and returns each observation with what the policy made of it."""
    vec_env.seed(0)
    seen, observation = [], vec_env.reset()
    torch.manual_seed(0)
    for _ in range(steps):
        tensors = obs_as_tensor(observation, "cpu")
        with torch.no_grad():
            acted = policy(tensors)
        seen.append((tensors, acted))
        observation, *_ = vec_env.step(acted[0].numpy())
    return seen


def plain(policy: CausalLMActorCriticPolicy, obs: Observation) -> tuple[torch.Tensor, ...]:
    """Log-probabilities of all tokens and values, from the bare model, one row at a time."""
    model = policy.language_model.model
    scores, values = [], []
    for ids, mask in zip(obs["input_ids"], obs["attention_mask"], strict=True):
        output = model(input_ids=ids[: int(mask.sum())][None], output_hidden_states=True)
        scores.append(output.logits[0, -1].log_softmax(-1))
        values.append(policy.value_net(output.hidden_states[-1][0, -1]))
    return torch.stack(scores), torch.stack(values)


@pytest.mark.parametrize("fixed_length", [False, True])
def test_acting_with_the_cache_is_acting_without(
    make_envs: Any, make_policy: Any, fixed_length: bool
) -> None:
    """Groups restart at different times, so the rows come to differ in length."""
    policy = make_policy(make_envs())
    seen = roll(policy, make_envs(fixed_length=fixed_length), steps=40)
    forgetful = make_policy(make_envs(), use_cache=False)
    fresh = roll(forgetful, make_envs(fixed_length=fixed_length), steps=40)
    waited = 0
    for (obs, (tokens, values, log_probs)), (other_obs, other) in zip(seen, fresh, strict=True):
        assert all(torch.equal(obs[key], other_obs[key]) for key in obs)
        assert torch.equal(tokens, other[0])
        with torch.no_grad():
            scores, expected = plain(policy, obs)
        waiting = obs["finished"].ravel().bool()
        waited += int(waiting.sum())
        chosen = scores.gather(1, tokens[:, None]).squeeze(1).masked_fill(waiting, 0.0)
        torch.testing.assert_close(log_probs, chosen, rtol=0, atol=2e-5)
        torch.testing.assert_close(
            values, expected.masked_fill(waiting[:, None], 0.0), rtol=0, atol=2e-5
        )
        assert (tokens[waiting] == policy.language_model.pad_token_id).all()
    assert waited > 20
    # One token a step and the prompts: far from every prefix in full.
    prefixes = sum(int(obs["attention_mask"].sum()) for obs, _ in seen)
    assert 0 < policy._memory.tokens_read < prefixes / 4


def test_the_cache_believes_nothing(make_envs: Any, make_policy: Any) -> None:
    """Rows exchanged, ids altered, fewer rows, the same again: each is read as it is."""
    policy = make_policy(make_envs())
    seen = [obs for obs, _ in roll(policy, make_envs(fixed_length=True), 3)]
    altered = {key: rows.clone() for key, rows in seen[2].items()}
    altered["input_ids"][1, 2] += 1
    order = torch.tensor([5, 4, 3, 2, 1, 0])
    asked = [
        seen[0],
        seen[1],
        altered,
        seen[2],
        seen[2],
        {key: rows[order] for key, rows in seen[2].items()},
        {key: rows[:1] for key, rows in seen[0].items()},
        {key: rows[:2] for key, rows in seen[1].items()},  # two that go on from the one
        seen[0],
        seen[2],  # two tokens more
    ]
    for obs in asked:
        with torch.no_grad():
            _, values, log_probs = policy(obs, deterministic=True)
            scores, expected = plain(policy, obs)
        waiting = obs["finished"].ravel().bool()
        best = scores.max(dim=1).values.masked_fill(waiting, 0.0)
        torch.testing.assert_close(log_probs, best, rtol=0, atol=2e-5)
        torch.testing.assert_close(
            values, expected.masked_fill(waiting[:, None], 0.0), rtol=0, atol=2e-5
        )


@pytest.mark.parametrize("way", ["step", "load", "replace"])
def test_the_cache_forgets_when_weights_change(make_envs: Any, make_policy: Any, way: str) -> None:
    policy = make_policy(make_envs())
    seen = [obs for obs, _ in roll(policy, make_envs(fixed_length=True), 2)]
    with torch.no_grad():
        policy(seen[0])
    if way == "step":
        sum(weight.sum() for weight in policy.parameters()).backward()
        policy.optimizer.step()
    elif way == "load":
        policy.load_state_dict({k: v + 0.1 for k, v in policy.state_dict().items()})
    else:
        policy.load_from_vector(policy.parameters_to_vector() + 0.1)
    with torch.no_grad():
        _, _, log_probs = policy(seen[1], deterministic=True)
        scores, _ = plain(policy, seen[1])
    waiting = seen[1]["finished"].ravel().bool()
    best = scores.max(dim=1).values.masked_fill(waiting, 0.0)
    torch.testing.assert_close(log_probs, best, rtol=0, atol=2e-5)


def gathered(make_envs: Any, policy: Any, steps: int = 12) -> tuple[Observation, torch.Tensor]:
    """A rollout as one batch of single tokens, in any order."""
    seen = roll(policy, make_envs(), steps)
    obs = {key: torch.cat([each[key] for each, _ in seen]) for key in seen[0][0]}
    actions = torch.cat([acted[0] for _, acted in seen])
    order = torch.randperm(len(actions), generator=torch.Generator().manual_seed(1))
    return {key: rows[order] for key, rows in obs.items()}, actions[order]


def test_shuffled_tokens_are_evaluated_as_each_alone(make_envs: Any, make_policy: Any) -> None:
    policy = make_policy(make_envs())
    obs, actions = gathered(make_envs, policy)
    with torch.no_grad():
        values, log_probs, entropies = policy.evaluate_actions(obs, actions.float())
        scores, expected = plain(policy, obs)
    waiting = obs["finished"].ravel().bool()
    assert 0 < waiting.sum() < len(waiting)
    chosen = scores.gather(1, actions[:, None]).squeeze(1).masked_fill(waiting, 0.0)
    torch.testing.assert_close(log_probs, chosen, rtol=0, atol=2e-5)
    entropy = -(scores.exp() * scores).sum(1).masked_fill(waiting, 0.0)
    torch.testing.assert_close(entropies, entropy, rtol=0, atol=2e-5)
    torch.testing.assert_close(
        values, expected.masked_fill(waiting[:, None], 0.0), rtol=0, atol=2e-5
    )


def test_a_minibatch_runs_each_sequence_once(make_envs: Any, make_policy: Any) -> None:
    policy = make_policy(make_envs())
    obs, actions = gathered(make_envs, policy)
    read: list[int] = []
    base = policy.language_model.model.base_model
    base.register_forward_pre_hook(
        lambda _, __, options: read.append(options["input_ids"].numel()), with_kwargs=True
    )
    policy.evaluate_actions(obs, actions)
    assert sum(read) < int(obs["attention_mask"].sum()) / 4


def gradient(policy: Any, obs: Observation, actions: torch.Tensor, rows: Any) -> torch.Tensor:
    policy.zero_grad()
    values, log_probs, entropies = policy.evaluate_actions(obs, actions)
    (values.ravel() + 2 * log_probs + 3 * entropies)[rows].sum().backward()
    grads = [w.grad for w in policy.parameters() if w.grad is not None]
    return torch.cat([each.ravel() for each in grads])


def test_members_that_wait_have_no_gradient(make_envs: Any, make_policy: Any) -> None:
    policy = make_policy(make_envs())
    obs, actions = gathered(make_envs, policy)
    waiting = obs["finished"].ravel().bool()
    assert waiting.any()
    assert not gradient(policy, obs, actions, waiting).any()
    with_them = gradient(policy, obs, actions, slice(None))
    written = {key: rows[~waiting] for key, rows in obs.items()}
    without = gradient(policy, written, actions[~waiting], slice(None))
    assert with_them.abs().max() > 0
    torch.testing.assert_close(with_them, without)


def test_a_batch_where_all_wait_can_be_learned_from(make_envs: Any, make_policy: Any) -> None:
    policy = make_policy(make_envs())
    obs, actions = gathered(make_envs, policy)
    waiting = obs["finished"].ravel().bool()
    obs = {key: rows[waiting] for key, rows in obs.items()}
    assert not gradient(policy, obs, actions[waiting], slice(None)).any()
    tokens, values, log_probs = policy(obs)
    assert (tokens == policy.language_model.pad_token_id).all()
    assert not values.any()
    assert not log_probs.any()


def test_the_value_loss_can_leave_the_model_alone(make_envs: Any, make_policy: Any) -> None:
    for moves in (True, False):
        policy = make_policy(make_envs(), value_gradient=moves)
        obs, actions = gathered(make_envs, policy, steps=2)
        policy.evaluate_actions(obs, actions)[0].sum().backward()
        weights = policy.language_model.model.parameters()
        touched = [each.grad is not None and bool(each.grad.any()) for each in weights]
        assert any(touched) == moves
        assert policy.value_net.weight.grad.any()


def test_the_value_of_a_waiting_member_is_that_before_its_last_token(
    make_envs: Any, make_policy: Any
) -> None:
    policy = make_policy(make_envs())
    found = 0
    seen = roll(policy, make_envs(fixed_length=True), 12)
    for (before, (_, values, _)), (after, _) in pairwise(seen):
        wait, waited = (each["finished"].ravel().bool() for each in (after, before))
        just = wait & ~waited
        found += int(just.sum())
        with torch.no_grad():
            predicted = policy.predict_values(after)
        torch.testing.assert_close(predicted[just], values[just], rtol=0, atol=2e-5)
        assert not torch.isclose(predicted[~wait], values[~wait]).any()
    assert found > 2


def test_the_distribution_is_the_models(make_envs: Any, make_policy: Any) -> None:
    policy = make_policy(make_envs())
    obs, actions = gathered(make_envs, policy)
    waiting = obs["finished"].ravel().bool()
    with torch.no_grad():
        distribution = policy.get_distribution(obs)
        _, log_probs, entropies = policy.evaluate_actions(obs, actions)
    torch.testing.assert_close(distribution.log_prob(actions), log_probs)
    torch.testing.assert_close(distribution.entropy(), entropies)
    assert (distribution.mode()[waiting] == policy.language_model.pad_token_id).all()


def test_ids_are_never_cast_to_floats(
    make_envs: Any, make_policy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("token ids were preprocessed as measurements")

    monkeypatch.setattr("stable_baselines3.common.policies.preprocess_obs", refuse)
    policy = make_policy(make_envs())
    obs, actions = gathered(make_envs, policy)
    policy.evaluate_actions(obs, actions)
    policy.predict_values(obs)
    policy.get_distribution(obs)
    policy.predict({key: rows.numpy() for key, rows in obs.items()})
    assert policy.extract_features(obs).shape == (len(actions), policy.features_dim)


@pytest.mark.parametrize("key", ["input_ids", "prompt_length"])
def test_ids_that_come_as_floats_are_refused(make_envs: Any, make_policy: Any, key: str) -> None:
    """The library normalises any Box whose key it is given, and leaves its space as it was."""
    vec_env = VecNormalize(make_envs(), norm_obs_keys=[key])
    policy = make_policy(vec_env)
    with pytest.raises(TypeError, match="norm_obs=False"):
        policy.predict(vec_env.reset())


def test_dropout_stays_off(make_envs: Any, make_policy: Any) -> None:
    policy = make_policy(make_envs())
    policy.set_training_mode(True)
    assert policy.training
    assert not any(module.training for module in policy.language_model.model.modules())


def test_it_is_saved_and_loaded_alone(make_envs: Any, make_policy: Any, tmp_path: Path) -> None:
    vec_env = make_envs()
    policy = make_policy(vec_env)
    path = tmp_path / "policy.pth"
    policy.save(str(path))
    again = CausalLMActorCriticPolicy.load(str(path))
    obs = vec_env.reset()
    first, second = (each.predict(obs, deterministic=True)[0] for each in (policy, again))
    assert (first == second).all()
    assert np.array_equal(policy.parameters_to_vector(), again.parameters_to_vector())
    policy.language_model.save(tmp_path / "checkpoint")
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "checkpoint")
    assert torch.equal(model.lm_head.weight, policy.language_model.model.lm_head.weight)


def test_what_does_not_fit_is_refused(
    make_envs: Any, make_policy: Any, model_path: str, random_policy: Policy, tmp_path: Path
) -> None:
    vec_env = make_envs()
    with pytest.raises(ValueError, match="observations of TokenVectorEnv"):
        CausalLMActorCriticPolicy(
            vec_env.action_space, vec_env.action_space, lambda _: 0.1, model=model_path
        )
    with pytest.raises(ValueError, match="use_sde"):
        make_policy(vec_env, use_sde=True)
    vec_env.action_space.n = np.int64(7)
    with pytest.raises(ValueError, match="writes ids from 0 to 639"):
        make_policy(vec_env)
    sliding = MistralForCausalLM(
        MistralConfig(
            vocab_size=640,
            hidden_size=32,
            intermediate_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=2,
            sliding_window=4,
            eos_token_id=3,
            pad_token_id=0,
            bos_token_id=None,
        )
    )
    Policy(sliding, random_policy.tokenizer, "sliding").save(tmp_path / "sliding")
    with pytest.raises(AgentError, match="use_cache=False"):
        make_policy(make_envs(), model=str(tmp_path / "sliding"))
    make_policy(make_envs(), model=str(tmp_path / "sliding"), use_cache=False)


def test_make_token_envs_refuses_what_may_not_fit_into_the_model(random_policy: Policy) -> None:
    with pytest.raises(AgentError, match="128 positions of model 'random'"):
        make_token_envs("TTRL-Arithmetic-v0", random_policy, 2, 2, max_tokens=100)


def test_the_codec_is_the_policys_tokenizer() -> None:
    policy = load_policy("tiny", device="cpu")
    codec = token_codec(policy)
    assert tuple(codec.encode("What is 1 + 1?")) == policy.encode_prompts(["What is 1 + 1?"])[0]
    ids = policy.tokenizer("So 1 + 1 = 2.", add_special_tokens=False)["input_ids"]
    assert codec.decode(ids) == "So 1 + 1 = 2."
    assert codec.vocabulary_size == 640
