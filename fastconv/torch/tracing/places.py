"""Where in a module a function is called: the name of the part, and the line of the forward."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

__all__ = ["Places"]

OURS = str(Path(__file__).parents[2])
THEIRS = str(Path(torch.__file__).parent)


class Places:
    """The parts of a module whose forward runs now, the innermost last."""

    def __init__(self, module: Any) -> None:
        self.module = module
        self.parts: list[tuple[str, Any]] = []

    @contextmanager
    def followed(self) -> Iterator[None]:
        """Within, `parts` is kept up to date by hooks, which are removed afterwards."""
        handles = []
        for name, part in self.module.named_modules():

            def enter(part: Any, inputs: Any, name: str = name) -> None:
                self.parts.append((name, part))

            def leave(part: Any, inputs: Any, y: Any) -> None:
                self.parts.pop()

            handles.append(part.register_forward_pre_hook(enter, prepend=True))
            handles.append(part.register_forward_hook(leave))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    @property
    def name(self) -> str:
        """The name of the innermost part; "" for the module itself."""
        return self.parts[-1][0] if self.parts else ""

    @property
    def part(self) -> Any:
        """The innermost part."""
        return self.parts[-1][1] if self.parts else self.module

    def text(self) -> str:
        """The place, for messages: "features.0: Conv2d (model.py, line 12)"."""
        kind = type(self.part).__name__
        where = f"{self.name}: {kind}" if self.name else kind
        line = caller()
        return f"{where} ({line})" if line else where


def caller() -> str:
    """File and line of the innermost code that is neither PyTorch's nor fastconv's, within the forward."""
    frame: Any = sys._getframe(1)
    while frame is not None and frame.f_code.co_name != "traced":
        file = frame.f_code.co_filename
        if not file.startswith((OURS, THEIRS)):
            return f"{Path(file).name}, line {frame.f_lineno}"
        frame = frame.f_back
    return ""
