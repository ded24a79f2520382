"""The error for files of ONNX."""


class OnnxError(ValueError):
    """The file is not a model of ONNX, is damaged, or holds what fastconv does not compute; the message says which."""
