"""Figures of matplotlib: how training went, what a network sees and does.

    learning_curves(history)          loss and accuracy over the epochs
    confusion_matrix(labels, ...)     which classes are taken for which
    worst_mistakes(network, ...)      the images with the largest loss
    filters(network)                  the weights of a convolution
    feature_maps(network, image, ...) the values inside, for one image
    saliency(network, image)          the pixels that move the score
    grad_cam(network, image)          the regions that speak for a class
    occlusion(network, image)         what is missed when it is covered
    graph(network)                    nodes and edges, with their shapes
    memory_plan(network)              where every value lies, and how long
    text_of(figure)                   what a figure shows, in words

    saliency_map, grad_cam_map, occlusion_map    the same as arrays

Each returns a Figure: `figure.savefig("curve.png")`, or show it in a
notebook. They need matplotlib (pip install matplotlib); the maps do not.
Numbers in brackets refer to docs/references.md.
"""

from .confusion import confusion_matrix
from .curves import learning_curves
from .explain import grad_cam_map, occlusion_map, saliency_map
from .explained import grad_cam, occlusion, saliency
from .figures import text_of
from .graph import graph
from .inside import feature_maps, filters
from .memory import memory_plan
from .mistakes import worst_mistakes

__all__ = [
    "confusion_matrix",
    "feature_maps",
    "filters",
    "grad_cam",
    "grad_cam_map",
    "graph",
    "learning_curves",
    "memory_plan",
    "occlusion",
    "occlusion_map",
    "saliency",
    "saliency_map",
    "text_of",
    "worst_mistakes",
]
