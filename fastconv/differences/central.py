"""Central differences of a function of one array."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..ops import check
from ..typing import Array
from .slope import Slope, slope

Index = tuple[int, ...]


def central_differences(
    f: Callable[[Array], Any],
    x: ArrayLike,
    dy: ArrayLike | None = None,
    *,
    step: float | None = None,
    entries: Sequence[Index] | None = None,
    batched: bool = False,
) -> Array:
    """The gradient of L = sum dy f(x) by central differences: dL/dx[i] = (L(x + h e_i) - L(x - h e_i)) / 2h.

    Parameters
    ----------
    f : function array -> array or number
        Gets a float64 copy of x with one entry changed, which it may keep; must give the same for the same x.
    x : array
        Is not changed.
    dy : array of the shape of f(x), optional
        The weights of the elements of f(x); by default all are 1.
    step : float, optional
        h, the same for all entries. By default each entry has steps of its own: 2^-10 of its size and smaller ones,
        until two that follow each other agree, and their error in h^2 is removed.
    entries : sequence of index tuples, optional
        The entries of x to differentiate for, such as ``[(0, 0), (2, 1)]``; by default all.
    batched : bool, default False
        f takes many x at once, (K, *x.shape) -> (K, *f(x).shape). Needs a `step`.

    Returns
    -------
    float64 array
        Of the shape of x; with `entries` one number for each of them.

    Raises
    ------
    TypeError, ValueError
        For an x that holds no finite numbers, a dy of another shape than f(x), an entry outside x, a step not above 0.

    Notes
    -----
    At a kink, such as ReLU at 0, the result is the mean of the derivatives from the left and the right.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.differences import central_differences
    >>> central_differences(lambda x: x**2, np.array([1.0, 3.0])).round(9)
    array([2., 6.])
    >>> central_differences(np.sin, np.zeros((2, 2)), entries=[(0, 1)], dy=np.full((2, 2), 5.0)).round(9)
    array([5.])
    """
    x = numbers(x, "x")
    places = list(np.ndindex(x.shape)) if entries is None else chosen(entries, x.shape)
    if batched and step is None:
        raise ValueError("batched=True needs a step, which all entries share; write step=1e-5")
    if step is not None and not check.number(step, "step") > 0:
        raise ValueError(f"step must be above 0, got {step!r}")
    middle = value_of(f, x[None] if batched else x)
    weights = weights_for(dy, middle[0] if batched else middle)
    if batched:
        found = together(f, x, weights, float(step or 0), places)
    elif step is not None:
        found = [fixed(f, x, weights, float(step), place) for place in places]
    else:
        size = size_of(x)
        found = [entry_slope(f, x, middle, weights, place, size).value for place in places]
    return np.array(found, "float64").reshape(x.shape if entries is None else len(places))


def entry_slope(
    f: Callable[[Array], Any], x: Array, middle: Array, dy: Array | float, place: Index, size: float
) -> Slope:
    """The Slope along one entry of x; `size` is that of x's values."""
    return slope(lambda t: value_of(f, moved(x, place, t)), middle, dy, max(size, abs(float(x[place]))))


def fixed(f: Callable[[Array], Any], x: Array, dy: Array | float, h: float, place: Index) -> float:
    """One central difference."""
    ahead, behind = moved(x, place, h), moved(x, place, -h)
    difference = dy * (value_of(f, ahead) - value_of(f, behind))
    return float(difference.sum() / (ahead[place] - behind[place]))


def together(f: Callable[[Array], Any], x: Array, dy: Array | float, h: float, places: Sequence[Index]) -> list[float]:
    """Central differences from two calls of a function that takes many x."""
    if not places:
        return []
    ahead, behind = (np.stack([moved(x, place, t) for place in places]) for t in (h, -h))
    width = [up[place] - down[place] for up, down, place in zip(ahead, behind, places, strict=True)]
    difference = dy * (value_of(f, ahead) - value_of(f, behind))
    return [float(each.sum() / w) for each, w in zip(difference, width, strict=True)]


def moved(x: Array, place: Index, t: float) -> Array:
    """A copy of x with t added to one entry."""
    copy = x.copy()
    copy[place] += t
    return copy


def size_of(x: Array) -> float:
    """The root of the mean square of x, by which steps are measured; 1 if all are zero."""
    largest = float(np.abs(x).max(initial=0))
    return largest * float(np.sqrt(np.mean((x / largest) ** 2))) if largest else 1.0


def value_of(f: Callable[[Array], Any], x: Array) -> Array:
    """f(x) as a float64 array of its own."""
    return np.array(f(x), "float64")


def weights_for(dy: ArrayLike | None, y: Array) -> Array | float:
    """dy, checked; 1 if there is none."""
    if dy is None:
        return 1.0
    weights = numbers(dy, "dy")
    check.shape_is(weights, "dy", y.shape, "the shape of f(x)")
    return weights


def numbers(source: Any, name: str) -> Array:
    """A float64 copy of finite numbers."""
    array = check.given(source, name)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{name} must hold real numbers, got {check.described(source)}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must hold finite numbers, got {np.count_nonzero(~np.isfinite(array))} that are not")
    return np.array(array, "float64", order="C")


def chosen(entries: Any, shape: tuple[int, ...]) -> list[Index]:
    """Index tuples, checked; a number is one where there is one axis."""
    if isinstance(entries, int | np.integer | float):
        raise TypeError(f"entries must be a list of indices, such as [(0, 1)], got {entries!r}")
    places = [(each,) if isinstance(each, int | np.integer) else each for each in entries]
    for place in places:
        if not (isinstance(place, tuple | list) and len(place) == len(shape) and all(map(within, place, shape))):
            raise ValueError(f"entries must be indices of x, of shape {shape}, got {place!r}")
    return [tuple(int(i) for i in place) for place in places]


def within(index: Any, length: int) -> bool:
    """Whether this is an index of an axis so long."""
    return isinstance(index, int | np.integer) and -length <= int(index) < length
