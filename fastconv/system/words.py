"""Numbers with their nouns."""


def counted(number: int, noun: str) -> str:
    """``1 epoch``, ``2 epochs``, ``4,000 images``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
