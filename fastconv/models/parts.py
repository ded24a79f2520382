"""What the architectures share: numbered and named parts, and convolution with batch normalisation."""

from ..graph import scope
from ..layer import Layer
from ..layers import BatchNorm, Conv2D, ReLU


def numbered(*parts):
    """One after another, each under its number, as the parts of torch.nn.Sequential are: "0", "1", ..."""
    for number, part in enumerate(parts):
        if isinstance(part, Layer) and part.name is None:
            part.name = str(number)

    def model(x):
        for number, part in enumerate(parts):
            x = part(x) if isinstance(part, Layer) else scoped(str(number), part)(x)
        return x

    return model


def scoped(name, model):
    """The model with `name` and a dot before the names of its layers."""

    def inside(x):
        with scope(name):
            return model(x)

    return inside


def block(name, *parts):
    """Numbered parts below one name: "features.0", "features.1", ..."""
    return scoped(name, numbered(*parts))


def conv_bn(channels, kernel_size, stride=1, padding=0, groups=1, init="he_normal_out", activation=ReLU, eps=1e-5):
    """Convolution without bias, batch normalisation, activation, as a list for `numbered`."""
    conv = Conv2D(channels, kernel_size, stride, padding, groups=groups, bias=False, init=init)
    return [conv, BatchNorm(eps)] + ([] if activation is None else [activation()])


def conv_bn_block(*arguments, **options):
    """The same as a model whose layers are called "0", "1", "2"."""
    return numbered(*conv_bn(*arguments, **options))
