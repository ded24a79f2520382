"""Modules of PyTorch as nodes: their forward runs once, on tensors that hold nodes in place of values.

The forward is ordinary Python and gets tensors that know their shape (`tensors.Traced`). A mode of PyTorch sees every
function that reads one (`trace.Trace`), looks it up by its name (`operations.TABLE`), and answers with the nodes that
compute the same. So it makes no difference whether a model is written with modules, functions or methods, and Python
may decide by shapes. Weights are known by their identity, which gives layers their names.

    forward of the module -> functions of PyTorch -> operations -> nodes and layers -> Network
"""
