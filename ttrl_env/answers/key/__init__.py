"""Canonical keys: one text for all ways to write an answer."""
