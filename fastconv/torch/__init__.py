"""fastconv beside PyTorch: its layers in a PyTorch module, and modules made
networks of fastconv.

    accelerate(module)          a module computes its layers with fastconv,
                                forward and backward, and stays a module
    restore(module)             PyTorch computes everything again

Install PyTorch with ``pip install torch``.
"""

from ..arguments.rooms import furnish as _furnish

_later = {"accelerate": "accelerating", "restore": "accelerating"}  # imported when they are first used
__all__ = ["accelerate", "restore"]
_furnish(__name__)
