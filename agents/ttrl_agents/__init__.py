"""Agents for the environments of `ttrl_env`: language models that learn by policy gradient.

- `trainer`: the training loop; `run`: the folder, the questions and the checkpoints of a run.
- `agent`: the protocol of an agent; `learning`: the policy-gradient agent, its advantages and
  losses; `rollout`: what it learns from; `seeds`: why a run repeats.
- `policy`: the language model; `samplers`: where completions come from.
- `config`: the options, without PyTorch; `cli`: the command `ttrl`.
- `callbacks`: what watches a run; `instruments`: what is measured in it.
- `evaluate`: evaluating a policy, and comparing two evaluations.
- `course`: the files of the course, and whether a laptop is ready for it.
- `sb3`: training with Stable-Baselines3; `tiny`: the tiny reasoner that ships with the package.
"""
