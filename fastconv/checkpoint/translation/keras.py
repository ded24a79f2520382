"""The names and layouts of `keras.applications` for the networks of `fastconv.models`.

A file of HDF5 has them, or `numpy.savez('weights.npz', **{v.path: v.numpy() for v in model.weights})`. VGG gives the
same outputs as there, the others do with the options of their tables. ResNet's convolutions have biases there, which
batch norm takes from its mean: y = weight (conv + b - mean) / deviation + bias.
"""

from .rules import Rule, Table

__all__ = ["TABLES"]

ENDS = {  # the name of an array of a layer there -> the name here, its form
    "kernel": ("weight", "hwio"),
    "depthwise_kernel": ("weight", "hwcm"),
    "bias": ("bias", ""),
    "gamma": ("weight", ""),
    "beta": ("bias", ""),
    "moving_mean": ("running_mean", ""),
    "moving_variance": ("running_var", ""),
}
NEAR = {"eps": 1.001e-5}
FIRST = {"stride_first": True, "eps": 1.001e-5}
SAME = {"eps": 1e-3, "same_padding": True}


def conv_bn(theirs: str, ours: str, first: int = 0, form: str = "", bn: str = "_bn") -> tuple[Rule, ...]:
    """A convolution and its batch norm, whose numbers here follow each other."""
    return Rule(theirs, f"{ours}.{first}", form=form), Rule(f"{theirs}{bn}", f"{ours}.{first + 1}")


VGG = (
    Rule("block{s}_conv{b}", "features.{2n+s-1}"),
    *(Rule("fc1", "classifier.0", form="hwc512"), Rule("fc2", "classifier.3", form="io")),
    Rule("predictions", "classifier.6", form="io"),
)

THEIR_BLOCK, OUR_LAYER = "conv{s}_block{b}", "features.denseblock{s-1}.denselayer{b}"
DENSENET = (
    *(Rule("conv1_conv", "features.conv0"), Rule("conv1_bn", "features.norm0"), Rule("bn", "features.norm5")),
    *(Rule(f"{THEIR_BLOCK}_0_bn", f"{OUR_LAYER}.norm1"), Rule(f"{THEIR_BLOCK}_1_bn", f"{OUR_LAYER}.norm2")),
    Rule(f"{THEIR_BLOCK}_{{i}}_conv", f"{OUR_LAYER}.conv{{i}}"),
    *(
        Rule(f"pool{{s}}_{kind}", f"features.transition{{s-1}}.{here}")
        for kind, here in (("conv", "conv"), ("bn", "norm"))
    ),
    Rule("predictions", "classifier", form="io"),
)

RESIDUAL = "layer{s-1}.{b-1}"
RESNET = (
    *(Rule("conv1_conv.bias", "bn1.running_mean", form="minus"), Rule("predictions", "fc", form="io")),
    *(Rule("conv1_conv", "conv1"), Rule("conv1_bn", "bn1")),
    Rule(f"{THEIR_BLOCK}_0_conv.bias", f"{RESIDUAL}.downsample.1.running_mean", form="minus"),
    *(Rule(f"{THEIR_BLOCK}_0_{kind}", f"{RESIDUAL}.downsample.{k}") for k, kind in enumerate(("conv", "bn"))),
    Rule(f"{THEIR_BLOCK}_{{i}}_conv.bias", f"{RESIDUAL}.bn{{i}}.running_mean", form="minus"),
    *(Rule(f"{THEIR_BLOCK}_{{i}}_{kind}", f"{RESIDUAL}.{kind}{{i}}") for kind in ("conv", "bn")),
)

MOBILENET = (
    *conv_bn("conv1", "features.0"),
    *conv_bn("conv_dw_{b}", "features.{b}", 0, "hwcm"),
    *conv_bn("conv_pw_{b}", "features.{b}", 3),
    *(Rule("conv_preds", "classifier", form="io"), Rule("predictions", "classifier", form="io")),
)

BLOCK = "block_{b}"
MOBILENET_V2 = (
    *(Rule("Conv1", "features.0.0"), Rule("bn_Conv1", "features.0.1"), *conv_bn("Conv_1", "features.{N+2}")),
    *conv_bn("expanded_conv_depthwise", "features.1.conv.0", 0, "hwcm", "_BN"),
    *conv_bn("expanded_conv_project", "features.1.conv", 1, bn="_BN"),
    *conv_bn(f"{BLOCK}_expand", "features.{b+1}.conv.0", bn="_BN"),
    *conv_bn(f"{BLOCK}_depthwise", "features.{b+1}.conv.1", 0, "hwcm", "_BN"),
    *conv_bn(f"{BLOCK}_project", "features.{b+1}.conv", 2, bn="_BN"),
    Rule("predictions", "classifier.1", form="io"),
)

NORMALIZATION = ("normalization", "normalization_{i}")  # of the images; the second in a process has a number
STAGE, HERE, WIDE = "block{s}{a}", "features.{s}.{a}.block", "block{s}{a}_expand_conv"
EFFICIENTNET = (
    *(Rule("stem_conv", "features.0.0"), Rule("stem_bn", "features.0.1")),
    *(Rule("top_conv", "features.{S+1}.0"), Rule("top_bn", "features.{S+1}.1")),
    *(Rule(WIDE, f"{HERE}.0.0"), Rule(f"{STAGE}_expand_bn", f"{HERE}.0.1")),
    *(Rule(f"{STAGE}_dwconv", f"{HERE}.{k}.0", where, "hwcm") for k, where in ((1, WIDE), (0, ""))),
    *(Rule(f"{STAGE}_bn", f"{HERE}.{k}.1", where) for k, where in ((1, WIDE), (0, ""))),
    *(Rule(f"{STAGE}_se_reduce", f"{HERE}.{k}.fc1", where) for k, where in ((2, WIDE), (1, ""))),
    *(Rule(f"{STAGE}_se_expand", f"{HERE}.{k}.fc2", where) for k, where in ((2, WIDE), (1, ""))),
    *(Rule(f"{STAGE}_project_conv", f"{HERE}.{k}.0", where) for k, where in ((3, WIDE), (2, ""))),
    *(Rule(f"{STAGE}_project_bn", f"{HERE}.{k}.1", where) for k, where in ((3, WIDE), (2, ""))),
    Rule("predictions", "classifier.1", form="io"),
    *(Rule(f"{layer}.{name}", "") for layer in NORMALIZATION for name in ("mean", "variance", "count")),
)

TABLES = (
    Table("VGG of Keras", VGG, "block{s}_conv{b}", ENDS),
    Table("DenseNet of Keras", DENSENET, ends=ENDS, options=(NEAR,)),
    Table("ResNet of Keras", RESNET, ends=ENDS, options=(FIRST,)),
    Table("MobileNet of Keras", MOBILENET, ends=ENDS, options=(SAME,)),
    Table("MobileNetV2 of Keras", MOBILENET_V2, "block_{b}", ENDS, (SAME,)),
    Table("EfficientNet of Keras", EFFICIENTNET, "block{s}{a}", ENDS, (SAME,)),
)
