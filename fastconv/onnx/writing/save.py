"""`fastconv.onnx.save`."""

import json
from collections.abc import Mapping, Sequence

from numpy.typing import DTypeLike

from ... import Network
from ...data.transforms import Transform
from ...ops import check
from ...system.files import AnyPath
from ...system.replace import check_target
from .. import records
from ..errors import OnnxError
from . import files, given
from .model import model_of
from .part import Growing
from .preprocessing import checked, described
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
    classes: Sequence[str] | None = None,
    freeze: bool = False,
    free_size: bool = False,
    external_data: bool | None = None,
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
    classes : list of str, optional
        The names of the classes, in the order of the outputs; the file has them among its metadata.
    freeze : bool, default False
        Fold each batch norm into the weights before it, as `Network.freeze` does.
    free_size : bool, default False
        Leave H and W of the images free too (L of signals). The network must be convolutional throughout: layers that
        hold the size of the images, such as `Flatten` before `Linear`, are refused by name.
    external_data : bool, optional
        Whether the arrays lie in a second file beside the first, called like it with ".data" after its name; by default
        where they are more than the 2 GB that one file holds.
    dtype : "float32" or "float64", optional
        Of the file; by default that of the network. ONNX Runtime has no convolutions in float64.
    translations : dict, optional
        For layers of your own: class -> function (layer, part) -> name of the result. `part` is a
        `fastconv.onnx.Part`.

    Raises
    ------
    OnnxError
        If a layer has no translation, or holds the size of the images that shall be free; if the arrays are more than
        2 GB and `external_data` is False; if the checks of the package onnx fail.
    TypeError, ValueError
        For arguments that are no such things.
    OSError
        If the path cannot be written.

    Notes
    -----
    Parameters and buffers keep their names; all values inside the network have the names of its nodes, and shapes. The
    file is checked in full by onnx before it is written; the old file stays until the new one is whole. Results agree
    with `predict` to rounding. float16 is not written: fastconv does not compute in it, so that nothing here could say
    how far such a file is from the network; `onnxconverter_common.float16` makes one of a file.

    `load` gives the network back with the same bits: where ONNX has no operator for a layer, the last of the nodes that
    it becomes says in its metadata which layer they are. Folded norms and layers of your own stay what they became.

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
    own = given.translations_of(translations)
    names = given.names_of_classes(classes, network)
    free, external = check.flag(free_size, "free_size"), external_data
    if external is not None:
        external = check.flag(external, "external_data")
    reserved = {*inputs, *outputs, *network.arrays()}
    graph = Growing(opset, given.first_extent(batch), given.dtype_of(dtype, network), reserved, free)
    model = model_of(network, graph, inputs, outputs, steps, freeze, own)
    for key, value in ((records.CLASSES, names), (records.STEPS, described(preprocessing))):
        if value is not None:
            model.metadata_props.add(key=key, value=json.dumps(value))
    files.check_model(model, graph.initializers)
    files.write(path, model, graph.initializers, external)
