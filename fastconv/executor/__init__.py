"""The executor: from a graph of layers to a flat list of calls that need no further decision.

    graph ──> fusions ──> plan ──> bound plan ──> calls
    nodes     which       which    arrays in      kernel(x, weight, bias, y, ...)
    and       nodes run   step     one arena      kernel(...)
    layers    as one      writes                  ...
              step        which
                          bytes

Everything but the last arrow happens once per network, batch size and kind of work (a prediction, a training step).
After that, `Network.predict` copies the images in, runs the calls one after another, and copies the output away.

An example, a convolution, a batch norm and a ReLU on images (1, 6, 6):

>>> from fastconv import Network, layers, sequential
>>> network = Network(sequential(layers.Conv2D(4, 3), layers.BatchNorm(), layers.ReLU()), (1, 6, 6))

Graph. Four nodes: input, conv1, bn1, relu1. Each knows its inputs, its layer and its shape; there are no arrays.

Fusions. A layer can do more while it stores: y = activation(norm(f(x)) + residual). Batch norm can apply ReLU, so bn1
and relu1 become one step, and the value between them never exists. In training and in plain prediction conv1 stays
alone; in a frozen network bn1 is a scale and a shift per channel that the weights of conv1 absorb, and all is one step:

>>> [line.step for line in network.plan(2).lines], [line.step for line in network.freeze().plan(2).lines]
(['conv1', 'bn1 + relu1'], ['conv1 + bn1 + relu1'])

Plan. The steps in the order they run. Each array gets a slot: an address in the arena, a shape and strides. The
planner counts the readers of every value; after the last one its bytes are free, and a later value may take them. A
training step goes on with the loss and, in the reverse order, one backward step per layer or fusion:

>>> print(network.plan(2, training=True))
step         result         bytes   from     to  notes
--------------------------------------------------------
conv1        2 x 4 x 4 x 4    512    320    832
bn1 + relu1  2 x 4 x 4 x 4    512    832  1,344
loss         2 x 4 x 4 x 4    512  1,472  1,984
d bn1        2 x 4 x 4 x 4    512  1,472  1,984  over dy
d conv1                         0      0      0
--------------------------------------------------------
memory                      1,984

The images take the bytes 0 to 320. The output of conv1 is kept, because the backward of bn1 reads it, and so are the
mean and the deviation that bn1 has saved at 1,344. The result of "loss" is the gradient of the output. "d bn1" undoes
ReLU and batch norm and overwrites that gradient with its own dx. Nobody needs the gradient of the images, so "d conv1"
writes the gradients of the weight and the bias alone, which are arrays of the network.

Bound plan. The arena is allocated, and each slot becomes a NumPy array in it. Each layer gets its arrays (`Bound` in
layer.py), chooses its kernel for their shapes and strides, and returns prepared calls: functions without arguments.

Calls. The training step above is a list of seven: the convolution; batch norm with ReLU, and its counter; the loss;
the backward of batch norm; the gradients of the weight and of the bias.

The files, in reading order:

    fusion.py              which nodes run as one step
    frozen_parameters.py   which parameters are not trained, and whose buffers then stay as they are
    rewrites.py            the switches of all rewrites, of which fusion is one
    analysis.py            facts about the graph: readers, aliases inside concatenations, wanted gradients
    arena.py               slots, and the allocator of the arena's bytes
    values.py              liveness: the slot of each value, and when it is free again
    steps.py               the kinds of steps, and the plan
    planner.py             the plan of a prediction
    microbatch.py          which first steps of a prediction run for a few images at a time
    training_planner.py    the plan of a training step: loss, backward, sums of gradients, recomputed values
    parameter_gradients.py where gradients of parameters go: arrays of the network, or straight into an update
    gradient_buckets.py    neighbouring parameters that are updated by one call
    binder.py              from steps to prepared calls
    ranks.py               what training needs of other processes that compute the same batches
    meetings.py            where the blocks of a batch meet, for what a layer needs of all of them
    ready.py               when gradients are known, and may be sent
    tree.py                the sum of the gradients of blocks, in an order that no number of ranks changes
    blocks.py              one batch in blocks, on one process or on several
    logits.py              the warning where a loss takes logits and the network makes probabilities
    executor.py            keeps the bound plans of a network, and their memory
    trainable.py           `set_trainable` of a network: which parameters are trained
    inner.py               `features` of a network: the values of nodes
    trained.py             `gradients` and `train_batch` of a network
"""

from .blocks import Blocks
from .executor import Executor
from .inner import Inner
from .ranks import Alone, Ranks
from .trained import Trained

__all__ = ["Alone", "Blocks", "Executor", "Inner", "Ranks", "Trained"]
