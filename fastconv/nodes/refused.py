"""Why something cannot be done with nodes."""

__all__ = ["BATCH", "Refused"]

BATCH = 1_000_003  # stands for the free number of images in arithmetic with shapes: a prime, exact in float32


class Refused(Exception):
    """Why one operation cannot be translated; the error of the model begins with the operation's name."""
