"""Shared by all tests: the limits of hypothesis, so that a run is short and the same everywhere."""

from hypothesis import settings

settings.register_profile("fastconv", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("fastconv")
