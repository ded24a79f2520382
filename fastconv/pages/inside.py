"""What a network looks at: filters, feature maps, and which pixels of an example count."""

from .. import Network, plot
from .blocks import Block, Gallery, Section
from .pictures import drawn
from .results import Results
from .run import Run

__all__ = ["filters", "looking"]

PLANES = 32  # of a node that are shown


def filters(run: Run) -> Section:
    """The first layer, which needs no image."""
    caption = "The filters of the first convolution"
    return Section("What it has learned to see", [drawn(caption, plot.filters, run.network)])


def looking(run: Run, found: Results, count: int) -> Section:
    """Feature maps of one example, and explanations of a few."""
    examples = found.examples(count)
    images = found.taken(examples)
    names = convolutions(run.network)
    maps = [
        drawn(f"Feature maps of {name}", plot.feature_maps, run.subject, images[0], name, count=PLANES)
        for name in dict.fromkeys(names[:1] + names[-1:])
    ]
    first = f"Image {examples[0]:,}: what the first and the last convolution make of it"
    blocks: list[Block] = [Gallery(first, maps)] if maps else []
    blocks += [explained(run, found, image, index) for image, index in zip(images, examples, strict=True)]
    return Section("What it looks at", blocks)


def explained(run: Run, found: Results, image: object, index: int) -> Gallery:
    """Three ways to see which pixels count for the class that is named."""
    named, true = (run.classes[int(each[index])] for each in (found.predictions, found.labels))
    verdict = "which is right" if found.right[index] else f"though it is {true}"
    say = f"Image {index:,}: {named}, {verdict}, with {run.said(found.probabilities[index].max())}"
    kinds = {
        "Saliency: how much each pixel changes the score of the class": plot.saliency,
        "Grad-CAM: where the last feature maps speak for the class": plot.grad_cam,
        "Occlusion: how the probability changes when a square is covered": plot.occlusion,
    }
    label = int(found.predictions[index])
    pictures = [drawn(caption, draw, run.subject, image, label) for caption, draw in kinds.items()]
    return Gallery(say, pictures)


def convolutions(network: Network) -> list[str]:
    """The names of the convolutions, in their order."""
    rows = network.summary().rows
    return [row.name for row in rows if "Conv" in row.kind and len(row.shape) == 3]
