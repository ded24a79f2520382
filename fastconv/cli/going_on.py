"""The command line that goes on with a training that was interrupted."""

from argparse import Namespace

from .words import quoted

__all__ = ["command"]

FLAG = "--resume"


def command(options: Namespace, path: str) -> str:
    """The command line as it was typed, with --resume and the file."""
    words, kept = list(options.words), []
    while words:
        word = words.pop(0)
        if word == FLAG:
            words[:1] = []
        elif not word.startswith(f"{FLAG}="):
            kept.append(word)
    return quoted("fastconv", *kept, FLAG, path)
