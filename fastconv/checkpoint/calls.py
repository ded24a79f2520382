"""What the names in a PyTorch pickle mean. No name is imported, and only the functions in `CALLS` are called."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ..typing import Shape

LAZILY = "lazily"  # conjugate or negative: PyTorch computes the tensor's numbers from its storage when it reads them
LONGEST_KEY = 1 << 16  # characters
STORAGES = {
    "torch.FloatStorage": "float32",
    "torch.DoubleStorage": "float64",
    "torch.HalfStorage": "float16",
    "torch.BFloat16Storage": "bfloat16",
    "torch.LongStorage": "int64",
    "torch.IntStorage": "int32",
    "torch.ShortStorage": "int16",
    "torch.CharStorage": "int8",
    "torch.ByteStorage": "uint8",
    "torch.BoolStorage": "bool",
    "torch.ComplexFloatStorage": "complex64",
    "torch.ComplexDoubleStorage": "complex128",
    "torch.QInt8Storage": "qint8",
    "torch.QUInt8Storage": "quint8",
    "torch.QInt32Storage": "qint32",
    "torch.storage.UntypedStorage": "bytes",
}
DTYPES = (
    *("float16", "bfloat16", "float32", "float64", "bool", "complex64", "complex128"),
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu"),
)
BUILTINS = ("builtins", "__builtin__")  # of Python 3, and as protocol 2 writes it
PLAIN = ("set", "frozenset", "bytearray", "complex", "slice", "range")
BESIDE = (  # what programs save beside the weights: settings, paths, times; none of it is made
    *("argparse.Namespace", "types.SimpleNamespace", "collections.Counter", "decimal.Decimal"),
    *(f"pathlib.{kind}" for kind in ("Path", "PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath")),
    *(f"datetime.{kind}" for kind in ("datetime", "date", "time", "timedelta", "timezone")),
)
OF_TENSORS = ("torch.Tensor", "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer")
META = ("a tensor of the meta device, which has no numbers", "in PyTorch, save the module after its weights are loaded")
FROM_TYPE = "torch._tensor._rebuild_from_type_v2"  # calls the function that is its first argument
NUMPY = ("numpy._core.multiarray", "numpy.core.multiarray")


class Name(NamedTuple):
    """A name read from the pickle; it is never imported."""

    text: str


class Opaque(NamedTuple):
    """A value whose numbers are not read: a dtype, a device, a set, a sparse tensor."""

    what: str
    cure: str = ""  # what to write instead; tensors alone have one


class Storage(NamedTuple):
    """A one-dimensional buffer that tensors are views of; its numbers lie elsewhere in the file."""

    key: str
    dtype: str
    numel: int


class Tensor(NamedTuple):
    """A view of a storage; offset and strides count elements."""

    storage: Storage
    dtype: str
    offset: int
    shape: Shape
    strides: Shape


class Refused(Exception):
    """The pickle asks for something that this reader never does."""


# The functions that pickles may call. They raise any error for arguments of another form; the caller reports it.


def ordered(pairs: Iterable[tuple[Any, Any]] = ()) -> dict[Any, Any]:
    """OrderedDict, and every other dict, with plain keys."""
    return {plain_key(key): value for key, value in pairs}


def tensor(storage: Storage, offset: int, shape: Shape, strides: Shape, *rest: Any) -> Tensor:
    """_rebuild_tensor and _rebuild_tensor_v2: `rest` is requires_grad, hooks and, for a conjugate, metadata."""
    return view(storage, storage.dtype, offset, shape, strides, rest[2] if len(rest) > 2 else None)


def tensor_with_dtype(
    storage: Storage,
    offset: int,
    shape: Shape,
    strides: Shape,
    grad: object,
    hooks: object,
    dtype: Name,
    more: Any = None,
) -> Tensor:
    """_rebuild_tensor_v3: a tensor whose storage holds bytes."""
    return view(storage, dtype.text.removeprefix("torch."), offset, shape, strides, more)


def view(storage: Storage, dtype: str, offset: int, shape: Shape, strides: Shape, more: Any) -> Tensor:
    """The tensor, if all arguments have the right form; `more` names views that PyTorch evaluates lazily."""
    if not isinstance(storage, Storage) or not all(sizes(part) for part in (shape, strides, (offset,))):
        raise ValueError("a tensor without storage, shape and strides")
    if len(shape) != len(strides):
        raise ValueError("a tensor with another number of strides than axes")
    if isinstance(more, dict) and any(more.values()):
        dtype = f"{LAZILY} {' and '.join(map(str, more))} {dtype}"
    return Tensor(storage, dtype, offset, shape, strides)


def sizes(values: object) -> bool:
    """Whether this is a tuple of integers >= 0."""
    return isinstance(values, tuple) and all(type(value) is int and value >= 0 for value in values)


def parameter(data: Any, *requires_grad_hooks_and_state: object) -> Any:
    """_rebuild_parameter: the tensor."""
    return data


def size(values: Iterable[int] = ()) -> Shape:
    """torch.Size: a tuple."""
    return tuple(values)


def default_dict(*factory: object) -> dict[Any, Any]:
    """collections.defaultdict: a dict, whose items follow."""
    return {}


def queue(*contents: object) -> list[Any]:
    """collections.deque: a list, whose items follow."""
    return []


def opaque(what: str, cure: str = "") -> Callable[..., Opaque]:
    """A function of any arguments that gives the same `Opaque`."""
    return lambda *arguments: Opaque(what, cure)


CALLS: dict[str, Callable[..., Any]] = {
    "collections.OrderedDict": ordered,
    "torch._utils._rebuild_tensor": tensor,
    "torch._utils._rebuild_tensor_v2": tensor,
    "torch._utils._rebuild_tensor_v3": tensor_with_dtype,
    "torch._utils._rebuild_parameter": parameter,
    "torch._utils._rebuild_parameter_with_state": parameter,
    "torch.Size": size,
    "torch.device": opaque("a device"),
    "numpy.dtype": opaque("a dtype"),
    "_codecs.encode": opaque("bytes"),
    "torch.serialization._get_layout": opaque("a layout"),
    "torch._utils._rebuild_sparse_tensor": opaque("a sparse tensor", "in PyTorch, write x.to_dense()"),
    "torch._utils._rebuild_qtensor": opaque("a quantized tensor", "in PyTorch, write x.dequantize()"),
    "torch._utils._rebuild_meta_tensor_no_storage": opaque(*META),
    "collections.defaultdict": default_dict,
    "collections.deque": queue,
    **{name: opaque(f"a {name.split('.')[1]}") for name in BESIDE},
    **{f"{module}.{name}": opaque(f"a {name}") for module in BUILTINS for name in PLAIN},
    **{f"{module}.scalar": opaque("a NumPy number") for module in NUMPY},
    **{f"{module}._reconstruct": opaque("a NumPy array") for module in NUMPY},
}
NAMED = (  # arguments of calls, which are never called themselves
    *STORAGES,
    *OF_TENSORS,
    *(f"torch.{dtype}" for dtype in DTYPES),
    *(f"torch.per_{what}_affine" for what in ("tensor", "channel")),
    *(f"{module}.{kind}" for module in BUILTINS for kind in ("list", "dict", "int", "float", "str")),
    "numpy.ndarray",
)
KNOWN = {*CALLS, *NAMED, FROM_TYPE}


def pairs(values: list[Any]) -> dict[Any, Any]:
    """A dict from alternating keys and values."""
    return ordered(zip(values[::2], values[1::2], strict=True))


def plain_key(key: Any) -> Any:
    """The key of a dict, if it is plain and short; hashing and comparing others could take for ever."""
    if not isinstance(key, str | int | float | bool | None):
        raise Refused(f"a {type(key).__name__} as the key of a dict")
    if isinstance(key, str) and len(key) > LONGEST_KEY:
        raise Refused(f"a key of {len(key)} characters")
    return key
