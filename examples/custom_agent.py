"""Your own algorithm in the trainer: any object that acts and learns can replace the agent.

`VoteCloning` is not a policy gradient: it imitates, token by token, the completions that agree with
the majority, and ignores the rest (rejection sampling fine-tuning, with votes instead of labels).
The trainer evaluates, logs, plots and saves as it does for its own agent.

    pip install 'ttrl-env[agents]'
    python examples/custom_agent.py
"""

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from ttrl_agents.callbacks import ConsoleCallback
from ttrl_agents.config import TrainConfig
from ttrl_agents.learning.optimizer_state import optimizer_tensors, restore_optimizer
from ttrl_agents.policy import Policy
from ttrl_agents.rollout import Rollout
from ttrl_agents.samplers import Sampler, SamplingParams
from ttrl_agents.samplers.base import Progress
from ttrl_agents.seeds import Stream, derive_seed
from ttrl_agents.trainer import Trainer
from ttrl_env import Completion


class VoteCloning:
    """Imitates the completions that agree with the majority of their group."""

    def __init__(self, policy: Policy, config: TrainConfig, sampler: Sampler) -> None:
        self.policy, self.config, self.sampler = policy, config, sampler
        self.optimizer = torch.optim.AdamW(
            policy.model.parameters(), lr=3e-4, betas=(0.9, 0.95), weight_decay=0.0
        )

    def act(
        self, observations: Sequence[str], step: int, progress: Progress | None = None
    ) -> list[Completion]:
        """Samples; the seed is a function of the step, so that a resumed run repeats exactly."""
        params = SamplingParams(self.config.max_tokens, self.config.temperature)
        seed = derive_seed(self.config.seed, Stream.SAMPLING, step)
        return self.sampler.sample(observations, params, seed=seed, progress=progress)

    def learn(self, rollout: Rollout) -> dict[str, float]:
        """Takes one step of maximum likelihood on what the vote chose."""
        chosen = [i for i, paid in enumerate(rollout.rewards) if paid > 0]
        if not chosen:
            return {"loss": 0.0, "imitated": 0.0}
        policy = self.policy
        prompts = policy.encode_prompts([rollout.prompts[i] for i in chosen])
        answers = [rollout.completions[i].token_ids.tolist() for i in chosen]
        width = max(len(p) + len(a) for p, a in zip(prompts, answers, strict=True))
        tokens = torch.full((len(chosen), width), policy.pad_token_id)
        targets = torch.full((len(chosen), width), -100)  # not learned: prompts and padding
        for row, (prompt, answer) in enumerate(zip(prompts, answers, strict=True)):
            end = len(prompt) + len(answer)
            tokens[row, :end] = torch.tensor([*prompt, *answer])
            targets[row, len(prompt) : end] = torch.tensor(answer)
        # Padded on the right, so without a mask: no token looks at what comes after it.
        logits = policy.model(tokens.to(policy.device)).logits[:, :-1]
        loss = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), targets[:, 1:].flatten().to(policy.device)
        )
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(policy.model.parameters(), 1.0)
        self.optimizer.step()
        return {"loss": loss.item(), "imitated": float(len(chosen))}

    # These two let a run be killed and resumed; without them the optimizer would be reset.

    def tensors(self) -> dict[str, torch.Tensor]:
        """Returns what goes into a checkpoint besides the policy."""
        return optimizer_tensors(self.optimizer, self.policy.model.named_parameters())

    def restore(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Restores it."""
        restore_optimizer(self.optimizer, self.policy.model.named_parameters(), tensors)


def main(steps: int, seed: int) -> None:
    """Trains the tiny reasoner with this agent."""
    folder = Path(tempfile.mkdtemp(prefix="vote-cloning-"))
    config = TrainConfig(steps=steps, seed=seed, max_tokens=128, eval_k=8, output=folder / "run")
    Trainer(config, [ConsoleCallback()], agent=VoteCloning).run()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    main(arguments.steps, arguments.seed)
