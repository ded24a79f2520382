"""Labels and logits as other libraries order them."""

from .written import Written

CLASSES = ("cross_entropy", "nll_loss")
ELEMENTS = ("mse_loss", "l1_loss", "huber_loss", "binary_cross_entropy_with_logits")


def said(call: Written) -> str | None:
    """What to write for one-hot labels, labels of another shape or type, and arguments that are exchanged."""
    name = call.name.removesuffix("_backward")
    if name in CLASSES:
        return of_classes(call)
    return of_elements(call) if name in ELEMENTS else None


def of_classes(call: Written) -> str | None:
    """Losses over classes."""
    first = next(iter(call.given))
    x, targets, kind = call.shape(first), call.shape("targets"), call.kind("targets")
    if call.kind(first) in ("i", "u", "b") and (kind == "f" or len(targets) == len(x) + 1):
        return f"{first} come first, then targets: write {call.name}({first}, targets), got integers as {first}"
    rows = x[:1][: len(x) - 1] + x[2:]
    if kind == "f" and targets == rows and len(x) > 1:
        dtype = call.given["targets"].dtype
        return f"targets must be integers (class indices), got {dtype}; write targets.astype('int64')"
    if targets == x and x and call.error.startswith("targets must") and "from 0" not in call.error:
        return call.adding(f"targets.argmax(axis={min(1, len(x) - 1)}) for one-hot labels")
    return call.adding("targets[:, 0]") if targets == (*rows, 1) and len(targets) == 2 else None


def of_elements(call: Written) -> str | None:
    """Losses over elements."""
    x, targets = call.shape("x"), call.shape("targets")
    if not call.error.startswith("targets must") or not x or x == targets:
        return None
    if x == (*targets, 1):
        return call.adding("targets[..., None]")
    if len(x) == 2 and targets == x[:1] and call.kind("targets") in ("i", "u"):
        return call.adding(f"numpy.eye({x[1]}, dtype=x.dtype)[targets] for class indices")
    return None
