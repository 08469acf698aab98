"""Agents for the environments of `ttrl_env`: language models that learn by policy gradient.

- `agent`: acts on prompts, learns from rollouts; `policy`: the language model.
- `samplers`: where completions come from; `log_probs`: what the model thinks of them.
- `losses`: pure tensor functions.
- `trainer`, `config`, `checkpoint`, `callbacks`: a run; `questions`: what it asks; `seeds`,
  `determinism`: why it repeats.
- `evaluate`, `eval_config`: measuring a policy, and comparing two.
- `tiny`: the tiny reasoner that ships with the package.
- `cli`, `commands`: the command `ttrl`.
"""
