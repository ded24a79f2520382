"""What people write from habit on a network that it does not have: what to write here instead.

Looked up only where an attribute is missing, is set, or the network is called.
"""

from typing import NamedTuple


class Cure(NamedTuple):
    """Code that does what was meant, and why it is written so; without code, what to do instead."""

    code: str = ""
    why: str = ""


PREDICT = Cure("network.predict(x)")
FIT = Cure("fastconv.fit(network, images, labels)")
EVALUATE = Cure("fastconv.evaluate(network, images, labels)", "gives the loss and the accuracy")
STEP = Cure("fastconv.train_step(network, images, labels, optimizer)")
MODES = Cure(
    "network.predict(x)", "a network has no modes: fit and train_step train, predict and evaluate never change it"
)
GRADIENTS = Cure(
    "network.gradients(images, labels, fastconv.CrossEntropy())",
    "each call computes all gradients anew; fit and train_step do so themselves",
)
OPTIMIZER = Cure("fastconv.fit(network, images, labels, optimizer=fastconv.SGD(lr=0.1))")
ARRAYS = Cure("network.arrays()", "gives name -> array, of parameters and buffers; network.save(path) writes a file")
PARAMETERS = Cure("network.parameters", "maps names to live arrays; network.parameters.copy() keeps their values")
NODES = Cure("print(network.summary())", "network.nodes are the values, each with the layer that makes it")
MODEL = Cure("fastconv.sequential(fastconv.Flatten(), fastconv.Linear(10))", "the model is complete before the network")
DTYPE = Cure("fastconv.Network(model, input_shape, 'float64')", "the dtype is chosen here")
CPU = Cure(why="leave it out: fastconv computes on the CPU")
FREEZE = Cure("network.set_trainable('linear1.*', False)", "all parameters are trained unless they are frozen by name")
TRAINED = Cure("network.trained", "maps the names of the parameters that are trained to live arrays")
INSIDE = Cure(
    "network.features(x, 'flatten1')", "gives the value of a node by its name; network.summary() shows all names"
)
OWN = Cure(why="buffers belong to layers: make a layer of your own, see docs/extending.md")
HOOK = Cure(
    INSIDE.code, "gives a value inside; what else a hook does is done by a layer of your own, see docs/extending.md"
)
PROCESSES = Cure("network.save(path)", "each process makes a network of its own and loads the file: network.load(path)")
INIT = Cure("fastconv.Conv2D(16, 3, init='he_normal')", "each layer takes the rule of its first values")

CURES = {
    "__call__": PREDICT,
    "forward": PREDICT,
    "call": PREDICT,
    "run": PREDICT,
    "transform": PREDICT,
    "predict_on_batch": PREDICT,
    "predict_proba": Cure("fastconv.softmax(network.predict(x))"),
    "predict_classes": Cure("network.predict(x).argmax(1)"),
    "decision_function": PREDICT,
    "eval": MODES,
    "train": Cure(FIT.code, MODES.why),
    "inference": MODES,
    "training": MODES,
    "fit": FIT,
    "fit_transform": FIT,
    "fit_generator": FIT,
    "compile": Cure(
        "fastconv.fit(network, images, labels, optimizer=fastconv.SGD(lr=0.1), loss=fastconv.CrossEntropy())",
        "there is nothing to compile",
    ),
    "partial_fit": STEP,
    "train_on_batch": STEP,
    "train_step": STEP,
    "training_step": STEP,
    "evaluate": EVALUATE,
    "score": EVALUATE,
    "test_on_batch": EVALUATE,
    "history": Cure("history = fastconv.fit(network, images, labels)", "it is a list of epochs"),
    "loss": Cure("fastconv.fit(network, images, labels, loss=fastconv.CrossEntropy())"),
    "criterion": Cure("fastconv.fit(network, images, labels, loss=fastconv.CrossEntropy())"),
    "optimizer": OPTIMIZER,
    "optim": OPTIMIZER,
    "lr": OPTIMIZER,
    "learning_rate": OPTIMIZER,
    "momentum": Cure("fastconv.fit(network, images, labels, optimizer=fastconv.SGD(lr=0.1, momentum=0.9))"),
    "epochs": Cure("fastconv.fit(network, images, labels, epochs=5)"),
    "batch_size": Cure("fastconv.fit(network, images, labels, batch_size=50)"),
    "backward": GRADIENTS,
    "zero_grad": GRADIENTS,
    "grad": GRADIENTS,
    "grads": GRADIENTS,
    "state_dict": ARRAYS,
    "load_state_dict": Cure("network.load(path)", "it reads files of PyTorch too; arrays are copied by name"),
    "load_weights": Cure("network.load(path)"),
    "save_weights": Cure("network.save(path)"),
    "save_model": Cure("network.save(path)"),
    "load_model": Cure("network.load(path)"),
    "set_weights": Cure("network.parameters.flat[...] = best.flat", "best = network.parameters.copy()"),
    "get_weights": PARAMETERS,
    "weights": PARAMETERS,
    "variables": PARAMETERS,
    "trainable_variables": TRAINED,
    "trainable_weights": TRAINED,
    "trainable_parameters": TRAINED,
    "trainable": FREEZE,
    "coefs_": PARAMETERS,
    "get_parameter": PARAMETERS,
    "named_parameters": Cure("network.parameters.items()"),
    "named_buffers": Cure("network.buffers.items()"),
    "params": PARAMETERS,
    "count_params": Cure("network.summary().parameters"),
    "num_parameters": Cure("network.summary().parameters"),
    "layers": NODES,
    "get_layer": NODES,
    "modules": NODES,
    "named_modules": NODES,
    "children": NODES,
    "named_children": NODES,
    "add": MODEL,
    "append": MODEL,
    "add_module": MODEL,
    "build": MODEL,
    "pop": MODEL,
    "to": CPU,
    "double": DTYPE,
    "float": DTYPE,
    "half": DTYPE,
    "cpu": CPU,
    "cuda": CPU,
    "device": CPU,
    "astype": DTYPE,
    "apply": INIT,
    "register_buffer": OWN,
    "register_full_backward_hook": Cure(
        why="to see or change gradients write a layer of your own, see docs/extending.md"
    ),
    "requires_grad_": FREEZE,
    "requires_grad": FREEZE,
    **dict.fromkeys(("unfreeze", "freeze_layers", "freeze_to", "frozen"), FREEZE),
    **dict.fromkeys(("extract", "extract_features", "forward_features", "activations", "intermediate"), INSIDE),
    "register_forward_hook": HOOK,
    "no_grad": Cure(PREDICT.code, "it keeps no gradients"),
    "get_submodule": NODES,
    "share_memory": PROCESSES,
    "shape": Cure("network.input_shape, network.output_shape"),
    "input": Cure("network.input_shape"),
    "output_dim": Cure("network.output_shape"),
    "clone": Cure("copy.deepcopy(network)"),
    "copy": Cure("copy.deepcopy(network)"),
}


def advice(name: str) -> str:
    """'; write ...' for a name that the table has, else ''."""
    cure = CURES.get(name)
    if cure is None:
        return ""
    return f"; write {cure.code}{cure.why and f' ({cure.why})'}" if cure.code else f"; {cure.why}"
