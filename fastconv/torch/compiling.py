"""`compile`: a network of fastconv that computes what a module of PyTorch does, with its weights."""

from typing import Any

from ..system.extras import needed

torch = needed("torch", "fastconv.torch", "torch")

from .. import Network, Node  # noqa: E402
from ..ops import check  # noqa: E402
from .kinds import check_module, plain  # noqa: E402
from .rules import FUNCTIONS, METHODS, MODULES  # noqa: E402

__all__ = ["compile"]


def compile(module: Any, example: Any) -> Network:
    """A `Network` with the layers, the names and the weights of a module.

    The module is traced by torch.fx in the mode it is in: its forward must not decide by the values of tensors. It may
    hold convolutions, batch and group norm, pooling, Linear, Dropout, activations, sums, `torch.cat` of channels,
    `flatten` and means over pixels.

    Parameters
    ----------
    module : torch.nn.Module
        It does not change, and shares nothing with the network.
    example : tensor (N, C, H, W) or (N, features), float32 or float64
        An input; its shape without N, and its dtype, become those of the network.

    Returns
    -------
    Network
        Parameters and buffers have the names of the module's state dict.

    Raises
    ------
    TypeError
        For what is no module or no tensor.
    ValueError
        Naming everything in the module that fastconv has no layer for.
    fastconv.system.extras.MissingPackage
        Where PyTorch is not installed.

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
    if not isinstance(example, torch.Tensor):
        raise TypeError(f"example must be a tensor, got {check.described(example)}")
    try:
        traced = torch.fx.symbolic_trace(module)
    except Exception as error:
        raise ValueError(f"module cannot be traced by torch.fx: {error}") from error
    layers = {node.target: layer_of(module, node) for node in traced.graph.nodes if node.op == "call_module"}
    missing = [*filter(None, map(unknown, traced.graph.nodes)), *(each for each in layers.values() if is_text(each))]
    if missing:
        raise ValueError(f"fastconv has no layers for {'; '.join(dict.fromkeys(missing))}")
    dtype = str(example.dtype).removeprefix("torch.")
    network = Network(lambda x: run(traced.graph, layers, x), tuple(example.shape[1:]), dtype)
    take(network, module.state_dict())
    return network


def is_text(value: object) -> bool:
    """Whether this says why there is no layer."""
    return isinstance(value, str)


def layer_of(module: Any, node: Any) -> Any:
    """The layer for a module inside, or text that names it and says why there is none."""
    part = module.get_submodule(node.target)
    kind = plain(type(part))
    if kind not in MODULES:
        return f"{node.target}: {kind.__name__}"
    try:
        return MODULES[kind](part, str(node.target))
    except (TypeError, ValueError) as error:
        return f"{node.target}: {kind.__name__}, {error}"


def unknown(node: Any) -> str | None:
    """Text that names a function, a method or a tensor that fastconv has nothing for; None where it has."""
    if node.op == "call_function" and node.target not in FUNCTIONS:
        return f"{node.name}: {getattr(node.target, '__name__', node.target)}"
    if node.op == "call_method" and node.target not in METHODS:
        return f"{node.name}: Tensor.{node.target}"
    return f"{node.target}: a tensor of the module" if node.op == "get_attr" else None


def run(graph: Any, layers: dict[Any, Any], x: Node) -> Any:
    """The nodes of the network in the order of those that were traced."""
    values: dict[Any, Any] = {}
    for node in graph.nodes:
        arguments, options = torch.fx.node.map_arg((node.args, node.kwargs), lambda n: values[n])
        if node.op == "placeholder":
            values[node] = x
        elif node.op == "output":
            return arguments[0]
        else:
            table = {"call_module": layers, "call_function": FUNCTIONS, "call_method": METHODS}[node.op]
            try:
                values[node] = table[node.target](*arguments, **options)
            except (TypeError, ValueError) as error:
                raise ValueError(f"{node.name} cannot be computed by fastconv: {error}") from error
    raise ValueError("module returns nothing")


def take(network: Network, state: Any) -> None:
    """Copy the weights; ValueError where the names or the shapes are not the same."""
    arrays = network.arrays()
    others = sorted({*state} - {*arrays} | {*network.parameters} - {*state})
    if others:
        raise ValueError(f"no place for the weights {others}: the module does not use them in this mode")
    for name, value in state.items():  # the counters of dropout are fastconv's alone
        if tuple(value.shape) != arrays[name].shape:
            shapes = f"{name} is {tuple(value.shape)}, and {arrays[name].shape} would fit it"
            raise ValueError(f"example must be images that the module takes, got {network.input_shape} each: {shapes}")
        arrays[name][...] = value.detach().cpu().numpy()
