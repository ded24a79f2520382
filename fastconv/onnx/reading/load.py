"""`fastconv.onnx.load` and `fastconv.onnx.read`."""

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import DTypeLike

from ... import Network
from ...system.files import AnyPath
from .files import model_of
from .functions import inlined
from .model import Head, Model
from .parsed import parsed

__all__ = ["load", "read"]


def load(
    source: AnyPath | bytes,
    input_shape: int | Sequence[int] | Mapping[str, Any] | None = None,
    *,
    head: Head | None = None,
    dtype: DTypeLike = "float32",
) -> Network:
    """Read a network from a file of ONNX; it predicts, and trains on.

    Parameters
    ----------
    source : str, pathlib.Path or bytes
        A path, or the bytes of a file. Arrays may lie in other files of its folder.
    input_shape : (C, H, W), (C, L) or (features,), optional
        The shape of one image, without the batch axis; needed where the file leaves it free. For several inputs a dict
        name -> shape.
    head : layer or function Node -> Node, optional
        To train a network on for other classes: takes the place of the last layer that has a matrix or filters, and of
        what follows it, such as a softmax. ``load("resnet18.onnx", head=fastconv.Linear(5))`` gives five logits; the
        new layer has first values of its own.
    dtype : "float32" or "float64"
        Of the network; arrays of other precisions are converted.

    Returns
    -------
    Network
        Where the file has several inputs or outputs, `predict` takes or gives a dict of arrays by their names.
        A parameter has the name of its array in the file where that is a layer's name and the parameter's, such as
        "conv1.weight"; other layers are named after their operation. `network.initializers` says for each parameter
        what its array is called in the file.

    Raises
    ------
    OnnxError
        If the file is damaged, or is no file of ONNX; if it holds what fastconv does not compute: all of it is listed.
    OSError
        If the file cannot be opened.

    Notes
    -----
    Opsets from 7 on. The first axis of inputs and outputs is the batch; what mixes its images is refused.

    Trained are weights and biases of convolutions, matrices and norms, slopes, and factors for each channel;
    other constants are fixed numbers (`Affine`). Batch norm stays a layer; `network.freeze` folds it. Layers in pieces,
    such as GELU by Erf, become one.

    Quantized weights are read as the floats that they stand for, and values between QuantizeLinear and DequantizeLinear
    keep the bounds of their integers, but are not rounded.

    What only constants feed is computed once, up to a limit of 2**27 values. No code in a file is run, and sizes are
    checked before memory is taken.

    Examples
    --------
    >>> import onnx
    >>> from onnx import helper, numpy_helper
    >>> weight = numpy_helper.from_array(np.ones((2, 3), "float32"), "head.weight")
    >>> x = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ("N", 3))
    >>> y = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ("N", 2))
    >>> nodes = [helper.make_node("Gemm", ["x", "head.weight"], ["y"], transB=1)]
    >>> model = helper.make_model(helper.make_graph(nodes, "graph", [x], [y], [weight]))
    >>> network = load(model.SerializeToString())
    >>> list(network.parameters), network.predict(np.ones((1, 3), "float32"))
    (['head.weight'], array([[3., 3.]], dtype=float32))
    """
    return read(source, dtype=dtype).network(input_shape, head)


def read(source: AnyPath | bytes, *, dtype: DTypeLike = "float32") -> Model:
    """Read a file of ONNX, for networks of one size or several that share their arrays.

    Parameters
    ----------
    source, dtype
        As for `load`.

    Returns
    -------
    Model
        ``network(input_shape)`` gives the network for images of this shape.

    Raises
    ------
    OnnxError, OSError
        As `load`.

    Examples
    --------
    >>> import onnx
    >>> from onnx import helper
    >>> x = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ("N", 3, "H", "W"))
    >>> y = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ("N", 3, "H", "W"))
    >>> graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "graph", [x], [y])
    >>> model = read(helper.make_model(graph).SerializeToString())
    >>> model.network((3, 8, 8)).output_shape, model.network((3, 5, 7)).output_shape
    ((3, 8, 8), (3, 5, 7))
    """
    proto, name = model_of(source)
    return Model(parsed(inlined(proto)), name, dtype)
