"""REINFORCE on a language model, without labels: the plain algorithm in forty lines of PyTorch.

Only `generate` is special to language models: prompts are observations, completions are actions,
and a step of the environment is a whole episode. The environment rewards each completion that
agrees with the majority of its question.

    pip install 'ttrl-env[agents]'
    python examples/reinforce.py
"""

import argparse
from importlib.resources import files

import gymnasium as gym
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import ttrl_env

QUESTIONS, VOTES = 8, 16


def main(steps: int, seed: int) -> None:
    """Trains, and prints how often a completion is right."""
    folder = str(files("ttrl_agents.tiny") / "checkpoint")  # or the name of any instruct model
    tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
    model = AutoModelForCausalLM.from_pretrained(folder)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4, betas=(0.9, 0.95))
    torch.manual_seed(seed)

    envs = gym.make_vec("TTRL-Arithmetic-v0", num_envs=QUESTIONS * VOTES, group_size=VOTES)
    envs = ttrl_env.LabelMetrics(envs)  # measures against the labels; changes no reward
    prompts, _ = envs.reset(seed=seed)
    for step in range(steps):
        # Act: one completion of each prompt.
        turns = [[{"role": "user", "content": prompt}] for prompt in prompts]
        batch = tokenizer.apply_chat_template(
            turns, add_generation_prompt=True, padding=True, return_tensors="pt", return_dict=True
        )
        tokens = model.generate(**batch, do_sample=True, top_k=0, max_new_tokens=128)
        start = batch["input_ids"].shape[1]
        written = tokens[:, start:]
        completions = tokenizer.batch_decode(written, skip_special_tokens=True)
        prompts, rewards, *_, infos = envs.step(completions)

        # Learn: raise the log-probability of completions rewarded above their group's mean.
        groups = torch.tensor(rewards, dtype=torch.float32).reshape(QUESTIONS, VOTES)
        advantages = (groups - groups.mean(dim=1, keepdim=True)).reshape(-1, 1)
        is_end = written == tokenizer.eos_token_id
        mask = is_end.cumsum(dim=1) - is_end.long() == 0  # up to and including the first end
        seen = torch.cat([batch["attention_mask"], mask.long()], dim=1)
        logits = model(tokens, attention_mask=seen).logits[:, start - 1 : -1]
        log_probs = logits.log_softmax(dim=-1).gather(-1, written.unsqueeze(-1)).squeeze(-1)
        loss = -(advantages * log_probs * mask).sum() / mask.sum()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

        votes = ttrl_env.finished_info(infos)
        right, agree = votes["ground_truth_ratio"].mean(), votes["majority_ratio"].mean()
        print(f"step {step + 1:3}   right {right:.2f}   agree with the majority {agree:.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    main(arguments.steps, arguments.seed)
