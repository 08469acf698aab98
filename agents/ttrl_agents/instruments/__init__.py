"""Measurements of a run that need no labels, and those that do."""
