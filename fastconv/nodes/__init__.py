"""What other systems do with tensors, done with nodes: reshapes, broadcasting, parts, means over any axes.

The readers of other systems' models (`fastconv.onnx`, `fastconv.torch`) stand on it: each rule is written once. What a
node cannot do raises `Refused`, whose text goes on after the name of what was asked for.
"""
