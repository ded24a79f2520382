"""What people write from habit: where a call of a function fails, the error says what to write.

Nothing here is looked at by a call that succeeds. The habits are those of NumPy, SciPy, PyTorch and Keras:

    rules     which of these explains a call
    names     names of arguments in other libraries, too many arguments by position
    objects   a node, a layer or a network where an array is wanted
    images    channels last, filters in another order, a bias that was forgotten, borders of another kind
    classes   labels and logits: one-hot labels, exchanged arguments
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from ..call_cache import Planned, again, keep

F = TypeVar("F", bound=Callable[..., Any])


def body(function: F) -> F:
    """An op without what `op` adds, for one that is another op with other arguments."""
    return cast(F, function.__wrapped__)  # type: ignore[attr-defined]


def op(function: F) -> F:
    """The public function: calls seen before take the short way, and errors also say what to write for a habit."""
    plans: dict[bytes, object] = {}

    @wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        try:
            seen = again(plans, args, options) if plans else None
            if seen is not None and type(seen) is not bytes:  # a result, no signature
                return seen
            result = function(*args, **options)
            if type(result) is Planned:
                keep(plans, seen, args, options, result)
                return result.result
            return result
        except (TypeError, ValueError) as error:
            from .rules import explained  # loaded when a call has failed

            said = explained(function, args, options, error)
            if said is None:
                raise
            raise (TypeError if isinstance(error, TypeError) else ValueError)(said) from None

    call.plans = plans  # type: ignore[attr-defined]
    return cast(F, call)
