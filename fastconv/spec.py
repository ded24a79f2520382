"""What a layer declares: names and shapes."""

from typing import NamedTuple


class Parameter(NamedTuple):
    """A trained array: its shape, its initialiser, and the connections into and out of one unit."""

    shape: tuple
    init: object
    fan_in: int = 1
    fan_out: int = 1


class State(NamedTuple):
    """An array that training updates but no gradient does; `init(rng)` gives its first value."""

    shape: tuple
    init: object
    dtype: str | None = None  # None: the network's


class Array(NamedTuple):
    """Memory a layer asks for in a plan; a leading batch axis is added where `batched`."""

    shape: tuple
    dtype: str | None = None
    batched: bool = True


class Spec(NamedTuple):
    """What a layer is for one input shape: names and shapes, no memory. Shapes are without the batch axis.

    Examples
    --------
    >>> import fastconv
    >>> spec = fastconv.layers.Conv2D(4, 3).spec((1, 8, 8), "float32")
    >>> spec.y_shape, spec.params["weight"].shape
    ((4, 6, 6), (4, 1, 3, 3))
    """

    y_shape: tuple
    params: dict = {}  # noqa: RUF012  (never changed) name -> Parameter
    state: dict = {}  # noqa: RUF012  name -> State
    saved: dict = {}  # noqa: RUF012  name -> Array, written by forward and read by backward
    scratch: dict = {}  # noqa: RUF012  name -> Array, used within one call
