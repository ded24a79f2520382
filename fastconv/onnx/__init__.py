"""Networks as files of ONNX, which other programs run."""

from ..system.extras import needed

needed("onnx", "fastconv.onnx", "onnx")

from .errors import OnnxError  # noqa: E402
from .writing import save  # noqa: E402

__all__ = ["OnnxError", "save"]
