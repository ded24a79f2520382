"""`fastconv.onnx.save`."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import DTypeLike

from ... import Network
from ...data.transforms import Transform
from ...ops import check
from ...system.files import AnyPath
from ...system.replace import check_target, replacing
from ..errors import OnnxError
from .model import model_of
from .part import Growing
from .preprocessing import checked
from .table import Translation

__all__ = ["save"]

DTYPES = ("float32", "float64")
OLDEST = 13  # opset
DEFAULT = 17
MOST_BYTES = 2**31 - 2**20  # of one file: what protobuf holds, less what is beside the arrays


def save(
    network: Network,
    path: AnyPath,
    *,
    opset: int = DEFAULT,
    batch: int | str = "N",
    input_names: Sequence[str] = ("input",),
    output_names: Sequence[str] = ("output",),
    preprocessing: Sequence[Transform] | None = None,
    freeze: bool = False,
    dtype: DTypeLike = None,
    translations: Mapping[type, Translation] | None = None,
) -> None:
    """Write a network as a file of ONNX, with its weights, for prediction elsewhere.

    Parameters
    ----------
    network : Network
    path : str, bytes or pathlib.Path
        Usually with the suffix .onnx.
    opset : int, default 17
        The version of ONNX's operators: 13 to the newest of the installed package onnx.
    batch : str or int, default "N"
        The first extent of inputs and outputs: the name of a free one, or a number.
    input_names, output_names : list of str
        What the file calls the inputs and outputs.
    preprocessing : list of transforms, optional
        Of `fastconv.data.transforms`, such as the `preprocessing` of what `fastconv.load` returns. The file then reads
        bytes (N, C, H, W), uint8, divides them by 255, and does each `normalize`. Where `resize` and `center_crop` come
        first they are left out: images come in the size of the network.
    freeze : bool, default False
        Fold each batch norm into the weights before it, as `Network.freeze` does.
    dtype : "float32" or "float64", optional
        Of the file; by default that of the network. ONNX Runtime has no convolutions in float64.
    translations : dict, optional
        For layers of your own: class -> function (layer, part) -> name of the result. `part` is a
        `fastconv.onnx.Part`.

    Raises
    ------
    OnnxError
        If a layer has no translation, the arrays are more than 2 GB, or the checks of the package onnx fail.
    TypeError, ValueError
        For arguments that are no such things.
    OSError
        If the path cannot be written.

    Notes
    -----
    Parameters and buffers keep their names; all values inside the network have the names of its nodes, and shapes. The
    file is checked in full by onnx before it is written; the old file stays until the new one is whole. Results agree
    with `predict` to rounding.

    Padding, ``ceil_mode`` and pooling to sizes that do not divide the plane are written so that all programs compute
    the same, which may be with other operators than the layer's own.

    Examples
    --------
    >>> import tempfile
    >>> import fastconv
    >>> network = fastconv.Network(fastconv.models.lenet5(), (1, 28, 28), seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     fastconv.onnx.save(network, f"{folder}/lenet5.onnx")
    """
    check_network(network, path)
    path = check_target(path, OnnxError)
    newest = onnx.defs.onnx_opset_version()
    if not OLDEST <= check.integer(opset, "opset", 1) <= newest:
        raise ValueError(f"opset must be from {OLDEST} to {newest}, the newest of onnx {onnx.__version__}, got {opset}")
    steps, freeze = checked(preprocessing), check.flag(freeze, "freeze")
    names = [names_of(input_names, "input_names", 1), names_of(output_names, "output_names", 1)]
    arrays = network.arrays()
    check_bytes(sum(array.nbytes for array in arrays.values()))
    check_distinct([*names[0], *names[1]], arrays)
    of = np.dtype(network.dtype if dtype is None else check.choice(dtype_name(dtype), "dtype", DTYPES))
    graph = Growing(opset, first_extent(batch), of, {*names[0], *names[1], *arrays})
    model = model_of(network, graph, *names, steps, freeze, check_translations(translations))
    content = examined(model)
    with replacing(path, OnnxError) as file:
        file.write(content)


def check_network(network: Any, path: Any) -> None:
    """TypeError unless a network comes first; it says what to write."""
    if isinstance(network, Network):
        return
    given, cure = check.shown(network), ""
    if isinstance(path, Network):
        cure = "; network comes before path: write fastconv.onnx.save(network, path)"
    elif isinstance(getattr(network, "network", None), Network):
        cure = "; write fastconv.onnx.save(saved.network, path, preprocessing=saved.preprocessing)"
    elif type(network).__name__ == "FrozenNetwork":
        cure = "; its weights are packed for this processor: give the network that it was frozen from, and freeze=True"
    raise TypeError(f"network must be a fastconv.Network, got {given}{cure}")


def names_of(names: Any, argument: str, count: int) -> list[str]:
    """The names as a list; TypeError or ValueError unless they are so many different texts."""
    found = [names] if isinstance(names, str) else names
    if not isinstance(found, list | tuple) or not all(isinstance(name, str) and name for name in found):
        raise TypeError(f"{argument} must be a list of names, got {check.shown(names)}")
    if len(found) != count or len(set(found)) != count:
        raise ValueError(f"{argument} must be {count} different names, got {check.shown(names)}")
    return list(found)


def check_distinct(names: Sequence[str], arrays: Mapping[str, Any]) -> None:
    """ValueError for a name that two values would have."""
    twice = [name for place, name in enumerate(names) if name in names[:place] or name in arrays]
    if twice:
        rule = "input_names and output_names must differ from each other and from the names of parameters"
        raise ValueError(f"{rule}, got {twice[0]!r} twice")


def dtype_name(dtype: Any) -> Any:
    """The name of a dtype; what is none as it is."""
    try:
        return np.dtype(dtype).name
    except TypeError:
        return dtype


def first_extent(batch: Any) -> int | str:
    """The name or the number of images; an error for others."""
    if isinstance(batch, str):
        if not batch.isidentifier():
            raise ValueError(f"batch must be a name such as 'N', or a number, got {batch!r}")
        return batch
    return check.integer(batch, "batch", 1)


def check_bytes(size: int) -> None:
    """OnnxError for arrays that one file cannot hold."""
    if size > MOST_BYTES:
        raise OnnxError(
            f"the arrays of the network must be less than 2 GB, as one file of ONNX holds, got {size:,} bytes"
        )


def check_translations(translations: Any) -> Mapping[type, Translation]:
    """The mapping; TypeError for anything but classes and functions."""
    given = {} if translations is None else translations
    rule = "translations must be a dict, class of layer -> function (layer, part) -> name of the result"
    if not isinstance(given, Mapping):
        raise TypeError(f"{rule}, got {check.shown(given)}")
    for kind, function in given.items():
        if not (isinstance(kind, type) and callable(function)):
            raise TypeError(f"{rule}, got {check.shown(kind)}: {check.shown(function)}")
    return given


def examined(model: Any) -> bytes:
    """The model as bytes; OnnxError with what onnx's full check finds wrong."""
    content: bytes = model.SerializeToString()
    try:
        onnx.checker.check_model(content, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise OnnxError(
            f"onnx finds that the graph is no valid one of opset {model.opset_import[0].version}: {error}"
        ) from error
    return content
