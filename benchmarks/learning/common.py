"""What the programs share: threads, times, lines."""

import time

import fastconv


def use_threads(options):
    """Hold fastconv, and PyTorch if it is there, to the number of threads that was asked for."""
    if options.threads:
        fastconv.set_num_threads(options.threads)
    torch = torch_or_none(options)
    if torch is not None:
        torch.set_num_threads(fastconv.get_num_threads())
    return torch


def torch_or_none(options):
    """The module, unless it is missing or not wanted."""
    if options.alone:
        return None
    try:
        import torch
    except ImportError:
        return None
    return torch


class Timed:
    """Adds up the seconds of several blocks."""

    def __init__(self):
        self.seconds = 0.0

    def __enter__(self):
        self.began = time.perf_counter()

    def __exit__(self, *error):
        self.seconds += time.perf_counter() - self.began


def say(*words):
    print(*words, flush=True)
