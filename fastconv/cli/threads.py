"""The option `--threads`."""

from ..kernels.runtime.threads import set_num_threads

__all__ = ["use_threads"]


def use_threads(number: int | None) -> None:
    """Set the number of threads; None for the default."""
    try:
        set_num_threads(number)
    except ValueError:
        raise ValueError(f"--threads must be between 1 and 1024, got {number}") from None
