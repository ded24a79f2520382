"""Results as JSON, for programs."""

import json
import math
from typing import Any

import numpy as np

__all__ = ["as_json"]


def as_json(value: Any, indent: int | None = None) -> str:
    """The value as JSON: arrays are lists, and NaN and infinity, which JSON does not have, are null."""
    return json.dumps(plain(value), indent=indent)


def plain(value: Any) -> Any:
    """The value in dicts, lists, texts and finite numbers."""
    if isinstance(value, dict):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
