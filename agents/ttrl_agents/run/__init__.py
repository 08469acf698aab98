"""A run on disk: its checkpoints, its best model, its questions."""
