"""`save` and `load` of a network."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from ..system.files import AnyPath
from ..typing import Array
from . import NO_METADATA, load, save
from .names import Rename

Given = ParamSpec("Given")
Result = TypeVar("Result")


def check_source(path: object) -> None:
    """TypeError for a network, a module of PyTorch or a list of arrays in place of a file or a dict of arrays."""
    if isinstance(path, Stored):
        cure = "write network.load(other.arrays())"
    elif hasattr(path, "state_dict"):
        cure = "write network.load(module.state_dict())"
    elif isinstance(path, list | tuple):
        cure = "write a dict, {'conv1.weight': array, ...}; network.parameters shows the names"
    else:
        return
    raise TypeError(f"path must be a file or a dict of arrays, got {type(path).__name__}; {cure}")


def of_network(method: Callable[Given, Result]) -> Callable[Given, Result]:
    """The method, with an error that says what to write where it is called on the class."""
    name = method.__name__
    method.__qualname__ = f"Network.{name}"  # which Python's own errors about arguments show

    @wraps(method)
    def checked(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        if not (args and isinstance(args[0], Stored)):
            raise TypeError(
                f"Network.{name} belongs to a network, not to the class: "
                f"write network = Network(model, input_shape), then network.{name}(path)"
            )
        return method(*args, **kwargs)

    return checked


class Stored:
    """The base of classes with `arrays()`, an `executor` and `training()`; saves their arrays and loads them."""

    executor: Any  # with a lock, held while arrays are read or written

    def arrays(self) -> Mapping[str, Array]:
        """Parameters and buffers by name."""
        raise NotImplementedError

    def training(self) -> AbstractContextManager[None]:
        """Held while parameters change; refuses a second thread."""
        raise NotImplementedError

    @of_network
    def save(self, path: AnyPath, metadata: Any = NO_METADATA) -> None:
        """Write parameters, buffers and metadata; a crash or a full disk leaves the old file as it was.

        Parameters
        ----------
        path : str, bytes or pathlib.Path
            .safetensors gives that format, any other suffix or none gives an .npz, at exactly this path. Suffixes of
            other formats (.pth, .h5, .onnx, .npy, .gz, ...) are refused. An existing file keeps its permissions, its
            owner where the system allows it, and is not replaced if it is read-only.
        metadata : optional
            `load` returns an equal value. Dicts with text as keys, lists, tuples, text, numbers (NumPy's become
            Python's), True, False, None; at most 1 MiB of JSON. `fastconv.load` and the command `fastconv predict` read
            from it which network the file holds: `{"model": ..., "input_shape": ..., "classes": ...}`, the name of a
            model of `fastconv.models`, and a name for each class (optional). `fastconv.save` writes them, and the
            preprocessing of images.

        Raises
        ------
        TypeError, ValueError
            For metadata that `load` could not return equal, a suffix of another format, or a path that is a folder, a
            pipe, a device or a link to nothing. Nothing is written.
        OSError
            If the path cannot be written; the error's `filename` is the path.

        Examples
        --------
        A file for the command `fastconv predict`, with names for the classes:

        >>> import tempfile
        >>> from fastconv import Network, models
        >>> network = Network(models.known["lenet5"].build(), (1, 28, 28))
        >>> names = [f"digit {number}" for number in range(10)]
        >>> about = {"model": "lenet5", "input_shape": network.input_shape, "classes": names}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     network.save(f"{folder}/digits.npz", about)
        ...     network.load(f"{folder}/digits.npz")["classes"][9]
        'digit 9'
        """
        with self.executor.lock:
            arrays = {name: array.copy() for name, array in self.arrays().items()}
        save(path, arrays, metadata)

    @of_network
    def load(self, path: AnyPath | Mapping[str, Any], *, strict: bool = True, rename: Rename | None = None) -> Any:
        """Read parameters and buffers from a file, by name; if something does not fit, nothing changes.

        Parameters
        ----------
        path : str, bytes, pathlib.Path, or a dict of arrays
            A file of `save`; an .npz or .safetensors of another program; a state dict that PyTorch's `torch.save` wrote
            (.pth, .pt), alone or in a checkpoint under "state_dict", "model_state_dict", "model" or the like; a file of
            Keras (.weights.h5, .h5, .keras; needs h5py). The first bytes decide the format, not the suffix. PyTorch and
            Keras are not needed, and no code in the file is run. Or the arrays themselves, by name:
            `dict(network.parameters)`, `model.state_dict()` of PyTorch.
        strict : bool
            If True, all names and shapes must fit. If False, arrays that fit are loaded, and the others stay unchanged
            and are reported: use it for a network with another number of classes, or for a part of a network.
        rename : dict or function, optional
            A name in the file -> the network's name, or None to leave it out.

        Returns
        -------
        metadata
            The metadata given to `save`; {} if another program wrote the file. If `strict` is False, a report instead,
            `checkpoint.Loaded`: (metadata, loaded, missing, unknown, misshapen, rounded); `print` it.

        Raises
        ------
        CheckpointError
            If the file is damaged, of another kind, or no regular file. If it does not fit (with `strict=False`: if
            nothing fits), the error is a `checkpoint.Mismatch` with the lists `missing`, `unknown` and `other`.
        OSError
            If the file cannot be opened.

        Notes
        -----
        float16, bfloat16, float32 and float64 become the network's dtype. float64 is rounded to float32, with a warning
        where that changes a number, and refused where a finite number would become infinite. Counters may be integers
        of any width, or whole floats small enough to be exact, and may have the shape () or (1,). Anything else
        (complex, float8, text, objects, integers in place of weights) is refused by name. Counters
        (`num_batches_tracked`, and the state of random number generators) may be missing; they then stay as they are.
        Arrays whose names begin with "run/" belong to a training that was saved, and are left out.

        If every name of the file begins with "module.", "model.", "_orig_mod." or "state_dict.", and no name fits as
        it is, the prefix is removed, several prefixes one after another; but never one with which a name of the
        network begins. Any other prefix is removed if all arrays of the network are behind it, and behind no other.

        Names of timm, and of Keras with its order of axes, are translated if all arrays of a network of
        `fastconv.models` are then found, but for those of one layer; docs/weights.md lists the networks. Where the
        other program computes something else with them, a warning says which arguments the model needs.

        Examples
        --------
        Weights for another number of classes: all but the last layer.

        >>> import tempfile
        >>> from fastconv import Network, layers, sequential
        >>> def model(classes):
        ...     return sequential(layers.Conv2D(4, 3), layers.Flatten(), layers.Linear(classes, name="head"))
        >>> trained, network = Network(model(10), (1, 8, 8)), Network(model(3), (1, 8, 8))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     trained.save(f"{folder}/a.npz", {"epoch": 5})
        ...     result = network.load(f"{folder}/a.npz", strict=False)
        >>> result.metadata, result.loaded
        ({'epoch': 5}, ['conv1.weight', 'conv1.bias'])
        >>> result.misshapen["head.bias"]
        'is (10,) float32, must be (3,) float32'
        """
        check_source(path)
        with self.training(), self.executor.lock:
            return load(path, self.arrays(), strict, rename, getattr(self, "model", None))
