"""Gradients compared with central differences."""

from .central import central_differences

__all__ = ["central_differences"]
