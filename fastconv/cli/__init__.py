"""The command line: ``fastconv train``, ``predict``, ``info`` ..."""

from .parser import main

__all__ = ["main"]
