"""What people write from habit: where a call of a function fails, the error says what to write.

Nothing here is looked at by a call that succeeds. The habits are those of NumPy, SciPy, PyTorch and Keras:

    binding   names of arguments in other libraries, too many arguments by position
    objects   a node, a layer or a network where an array is wanted
    images    channels last, filters in another order, a bias that was forgotten, borders of another kind
    classes   labels and logits: one-hot labels, exchanged arguments
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from . import classes, images, objects
from .binding import refused
from .written import Written, on_arrays

F = TypeVar("F", bound=Callable[..., Any])
RULES = (objects.said, images.said, classes.said, on_arrays)


def op(function: F) -> F:
    """The public function, whose errors also say what to write instead of a habit."""

    @wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        try:
            return function(*args, **options)
        except (TypeError, ValueError) as error:
            said = explained(function, args, options, error)
            if said is None:
                raise
            raise (TypeError if isinstance(error, TypeError) else ValueError)(said) from None

    return cast(F, call)


def explained(
    function: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any], error: Exception
) -> str | None:
    """What to say of a call that failed; None where the error says all."""
    trace = error.__traceback__
    if trace is not None and trace.tb_next is None:  # Python could not bind the arguments
        return refused(function, args, options)
    names = function.__code__.co_varnames
    call = Written(function.__name__, {**dict(zip(names, args, strict=False)), **options}, args, str(error))
    return next((said for rule in RULES if (said := rule(call)) is not None), None)
