"""Pictures of training, of predictions and of networks, as matplotlib figures.

    learning_curves(history)           loss and accuracy by epoch
    confusion_matrix(labels,           how often each class is taken for
                     predictions)      each other
    worst_mistakes(network, images,    the wrong images with the largest
                   labels)             loss
    filters(network)                   the weights of a convolution
    feature_maps(network, image,       what a node makes of an image
                 name)
    saliency(network, image)           |d score / d pixel| of a class
    grad_cam(network, image)           where feature maps raise the score
    occlusion(network, image)          probability lost when covered
    graph(network)                     boxes and arrows, with shapes
    memory_plan(network)               which value lies where, and how long
    text_of(figure)                    what a figure shows, in words
    explain                            the maps behind the pictures, as
                                       arrays

Each picture is a `matplotlib.figure.Figure`: save it by
``figure.savefig("picture.png")``; a notebook shows it. Networks may be what
`fastconv.load` returns; images are then raw. Install matplotlib with
``pip install matplotlib``.
"""

from ..arguments.rooms import furnish as _furnish
from . import explain
from .confusion import confusion_matrix
from .curves import learning_curves
from .explanations import grad_cam, occlusion, saliency
from .figures import text_of
from .graph import graph
from .inside import feature_maps, filters
from .memory import memory_plan
from .mistakes import worst_mistakes

__all__ = [
    "confusion_matrix",
    "explain",
    "feature_maps",
    "filters",
    "grad_cam",
    "graph",
    "learning_curves",
    "memory_plan",
    "occlusion",
    "saliency",
    "text_of",
    "worst_mistakes",
]

_furnish(__name__)
_furnish(f"{__name__}.explain")
