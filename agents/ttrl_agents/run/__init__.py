"""A training run on disk, and its questions and environments."""
