"""Why something cannot be done with nodes."""

__all__ = ["BATCH", "Refused", "Unfit", "few"]

BATCH = 1_000_003  # stands for the free number of images in arithmetic with shapes: a prime, exact in float32

MOST_PIECES = 1 << 16  # of which one node is put together


class Refused(Exception):
    """Why one operation cannot be translated; the error of the model begins with the operation's name."""


class Unfit(Refused):
    """Why one operation cannot be translated for images of this size."""


def few(count: int) -> None:
    """Refused where so many pieces would be put together: before they are listed."""
    if count > MOST_PIECES:
        raise Refused(f"it puts {count:,} pieces together; at most {MOST_PIECES:,} are")
