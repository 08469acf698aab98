"""The ranks of a run: several processes that run one training run together.

- `world`: the processes of a run, and what they tell each other.
- `launch`: starts them.
- `sampling`, `rounds`: the two things that are divided among them, the sampling and the
  micro-batches of an update.
- `replicas`: compares what each holds for itself and all must hold alike.

Every rank runs the same trainer on the same whole batch. Rank 0 leads: it alone writes files.
"""
