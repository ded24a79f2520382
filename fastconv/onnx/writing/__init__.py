"""From networks to files of ONNX.

save            the checks, and the file
model           the nodes of a network, one after another, as a model of ONNX
part            what the translation of a layer gets: the nodes and values that it becomes
table           layer class -> translation, joint -> translation
convolutions, pools, adaptive, norms, activations, resizing, shapes, joints    the translations, one family each
folding         batch norm in the weights before it
free            which networks can have H and W free
files           one file, or two where the arrays lie beside it
preprocessing   from bytes to what the network reads
"""

from .part import Part
from .save import save

__all__ = ["Part", "save"]
