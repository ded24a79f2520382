"""Runs graphs: plans memory and order once, then only calls."""

from .executor import Executor

__all__ = ["Executor"]
