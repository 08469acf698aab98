"""Measurements of a run: collapse, sampler agreement, divergence, votes."""
