"""What a folder holds in place of a file of weights, and which file of it to name."""

import os

__all__ = ["folder_cure"]

WEIGHTS = (
    ".npz",
    ".safetensors",
    ".pth",
    ".pt",
    ".bin",
    ".ckpt",
    ".h5",
    ".keras",
)  # the suffixes of files that can be read
SAVED_MODEL = "saved_model.pb"


def folder_cure(path: str) -> str:
    """What to do about a folder that was given in place of a file."""
    names = sorted(os.listdir(path))
    if SAVED_MODEL in names:
        return (
            "it holds a SavedModel of TensorFlow, which is not read: in TensorFlow, write "
            "numpy.savez('weights.npz', **{v.path: v.numpy() for v in model.weights})"
        )
    found = [os.path.join(path, name) for name in names if name.endswith(WEIGHTS)]
    found = [name for name in found if os.path.isfile(name)]
    return f"write load({found[0]!r})" if found else "choose a file in it"
