"""The error for files of ONNX, and for networks that cannot be such files."""


class OnnxError(ValueError):
    """The file is no model of ONNX, is damaged, or holds what fastconv does not compute; or a network holds what ONNX
    does not compute. The message says which.
    """
