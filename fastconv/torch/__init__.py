"""fastconv beside PyTorch: its layers in a PyTorch module, and modules made
networks of fastconv.

    accelerate(module)          a module computes its layers with fastconv,
                                forward and backward, and stays a module
    restore(module)             PyTorch computes everything again
    compile(module, example)    a Network with the module's weights

Install PyTorch with ``pip install torch``.
"""

from ..arguments.rooms import furnish as _furnish

_accelerating = dict.fromkeys(("accelerate", "restore"), "accelerating")
_later = {"compile": "compiling", **_accelerating}  # imported when they are first used
__all__ = ["accelerate", "compile", "restore"]
_furnish(__name__)
