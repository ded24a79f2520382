"""The error of what cannot be read from ONNX, or written as ONNX."""

__all__ = ["OnnxError"]


class OnnxError(ValueError):
    """A file or a network that fastconv and ONNX do not both know; the message names the nodes or layers."""
