"""Puts `env_fakes` within reach of the tests of the environments, and makes them repeat."""

from __future__ import annotations

from hypothesis import settings

# Seeded, and without deadlines: a shared machine is not always fast.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")
