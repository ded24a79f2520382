"""`compile`: a network of fastconv that computes what a module of PyTorch does, with its weights."""

from typing import Any

from ..system.extras import needed

torch = needed("torch", "fastconv.torch", "torch")

from .. import Network  # noqa: E402
from ..ops import check  # noqa: E402
from .kinds import check_module  # noqa: E402
from .timing import unchanged  # noqa: E402
from .tracing.forward import traced  # noqa: E402
from .tracing.operations import TABLE  # noqa: E402
from .tracing.trace import Trace  # noqa: E402

__all__ = ["compile"]

DTYPES = (torch.float32, torch.float64)


def compile(module: Any, example: Any) -> Network:
    """A `Network` with the layers, the names and the weights of a module.

    The forward of the module runs once, in the mode it is in, on tensors without values: it may decide by shapes, but
    not by the values of tensors. It may be written with modules, functions or methods of PyTorch: everything that
    fastconv has a layer for, and sums, products, concatenations, parts and other shapes of tensors.

    Parameters
    ----------
    module : torch.nn.Module
        It does not change, and shares nothing with the network.
    example : tensor, or tuple or dict of tensors, float32 or float64
        The inputs (N, ...), by position or by name; their shapes without N, and their dtype, become the network's.

    Returns
    -------
    Network
        Parameters and buffers have the names of the module's state dict; those that the forward does not reach in this
        mode are left out. A tuple or dict of outputs is one of the network.

    Raises
    ------
    TypeError
        For what is no module or no tensor.
    ValueError
        Naming everything in the module that fastconv does not compute, with its place.
    fastconv.system.extras.MissingPackage
        Where PyTorch is not installed.

    Notes
    -----
    Dropout, stochastic depth and batch norm have both modes, whatever the mode of the module is now. A weight that the
    forward computes from others, such as that of ``weight_norm``, becomes the layer's own. H and W of the network are
    those of the example; for another size compile the module again.

    Examples
    --------
    >>> import torch
    >>> import fastconv.torch
    >>> module = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU())
    >>> network = fastconv.torch.compile(module, torch.zeros(1, 3, 8, 8))
    >>> list(network.parameters), network.output_shape
    (['0.weight', '0.bias'], (8, 6, 6))
    """
    check_module(module)
    inputs = given(example)
    dtypes = {each.dtype for each in inputs.values()}
    if len(dtypes) != 1 or not dtypes <= set(DTYPES):
        raise TypeError(f"example must be float32 or float64, got {', '.join(sorted(map(str, dtypes)))}")
    (dtype,) = dtypes
    shapes = {name: tuple(each.shape[1:]) for name, each in inputs.items()}
    trace = Trace(module, dtype, TABLE)
    shape = shapes if isinstance(example, dict) else tuple(shapes.values())
    if isinstance(example, torch.Tensor) or len(shapes) == 1:
        (shape,) = shapes.values()
    names = list(shapes) if isinstance(example, dict) else None
    with unchanged(module):
        network = Network(lambda x: traced(trace, x, names), shape, str(dtype).removeprefix("torch."))
    arrays = network.arrays()
    for name, tensor in trace.weights.tensors.items():
        arrays[name][...] = tensor.detach().cpu().numpy().reshape(arrays[name].shape)
    return network


def given(example: Any) -> dict[Any, Any]:
    """The tensors by name or by place; TypeError for what is none."""
    values = (
        example if isinstance(example, dict) else dict(enumerate(example if type(example) is tuple else (example,)))
    )
    for value in values.values():
        if not isinstance(value, torch.Tensor):
            raise TypeError(f"example must be a tensor, or a tuple or dict of tensors, got {check.described(value)}")
        if value.dim() < 2 or not value.numel():
            raise ValueError(f"example must hold images (N, ...), got shape {tuple(value.shape)}")
    if not values:
        raise TypeError(f"example must be a tensor, or a tuple or dict of tensors, got {check.described(example)}")
    return values
