"""`fastconv.onnx.save`."""

from collections.abc import Mapping, Sequence
from typing import Any

import onnx
from numpy.typing import DTypeLike

from ... import Network
from ...data.transforms import Transform
from ...ops import check
from ...system.files import AnyPath
from ...system.replace import check_target, replacing
from ..errors import OnnxError
from . import given
from .model import model_of
from .part import Growing
from .preprocessing import checked
from .table import Translation

__all__ = ["save"]

DEFAULT = 17  # opset


def save(
    network: Network,
    path: AnyPath,
    *,
    opset: int = DEFAULT,
    batch: int | str = "N",
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    preprocessing: Sequence[Transform] | None = None,
    freeze: bool = False,
    dtype: DTypeLike | None = None,
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
        What the file calls the inputs and outputs. By default "input" and "output"; where a network has a dict of
        several, their names there, and where it has a tuple, "input0", "input1" ...
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
    given.check_network(network, path)
    path = check_target(path, OnnxError)
    opset, steps, freeze = given.operators(opset), checked(preprocessing, network), check.flag(freeze, "freeze")
    inputs = given.renamed(given.inputs_of(network), input_names, "input_names")
    outputs = given.renamed(given.outputs_of(network), output_names, "output_names")
    given.check_distinct([*inputs, *outputs], network.arrays())
    given.check_bytes(network)
    own = given.translations_of(translations)
    reserved = {*inputs, *outputs, *network.arrays()}
    graph = Growing(opset, given.first_extent(batch), given.dtype_of(dtype, network), reserved)
    model = model_of(network, graph, inputs, outputs, steps, freeze, own)
    content = examined(model)
    with replacing(path, OnnxError) as file:
        file.write(content)


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
