"""The names of timm (PyTorch Image Models) for the networks of `fastconv.models`.

resnet, resnext, wide_resnet, densenet and inception_v3 have the same names there.
"""

from .rules import Rule, Table

__all__ = ["TABLES"]

B = "blocks.{s}.{b}"
PWL = f"{B}.conv_pwl"  # only blocks that expand their channels have it
SE = f"{B}.se"


def stem(ours: str, number: str = "1") -> tuple[Rule, ...]:
    """The first convolution and its batch norm."""
    return Rule("conv_stem", f"{ours}0"), Rule("bn1", f"{ours}{number}")


def squeeze(number: int, ours: str, where: str = "") -> tuple[Rule, ...]:
    """The two layers of squeeze-and-excitation."""
    names = (("conv_reduce", "fc1"), ("conv_expand", "fc2"))
    return tuple(Rule(f"{SE}.{theirs}", f"{ours}.{number}.{here}", where) for theirs, here in names)


MOBILENET_V2 = (
    *stem("features.0."),
    *(Rule("conv_head", "features.{N+1}.0"), Rule("bn2", "features.{N+1}.1"), Rule("classifier", "classifier.1")),
    *(Rule(f"{B}.conv_pw", "features.{n+1}.conv.0.0", PWL), Rule(f"{B}.bn1", "features.{n+1}.conv.0.1", PWL)),
    *(Rule(f"{B}.conv_dw", "features.{n+1}.conv.1.0", PWL), Rule(f"{B}.bn2", "features.{n+1}.conv.1.1", PWL)),
    *(Rule(PWL, "features.{n+1}.conv.2"), Rule(f"{B}.bn3", "features.{n+1}.conv.3")),
    *(Rule(f"{B}.conv_dw", "features.{n+1}.conv.0.0"), Rule(f"{B}.bn1", "features.{n+1}.conv.0.1")),
    *(Rule(f"{B}.conv_pw", "features.{n+1}.conv.1"), Rule(f"{B}.bn2", "features.{n+1}.conv.2")),
)
MNASNET = (
    *(Rule("conv_stem", "layers.0"), Rule("bn1", "layers.1")),
    *(Rule("conv_head", "layers.{S+7}"), Rule("bn2", "layers.{S+8}"), Rule("classifier", "classifier.1")),
    *(Rule(f"{B}.conv_pw", "layers.{s+7}.{b}.layers.0", PWL), Rule(f"{B}.bn1", "layers.{s+7}.{b}.layers.1", PWL)),
    *(Rule(f"{B}.conv_dw", "layers.{s+7}.{b}.layers.3", PWL), Rule(f"{B}.bn2", "layers.{s+7}.{b}.layers.4", PWL)),
    *(Rule(PWL, "layers.{s+7}.{b}.layers.6"), Rule(f"{B}.bn3", "layers.{s+7}.{b}.layers.7")),
    *(Rule(f"{B}.conv_dw", "layers.3"), Rule(f"{B}.bn1", "layers.4")),
    *(Rule(f"{B}.conv_pw", "layers.6"), Rule(f"{B}.bn2", "layers.7")),
)


def squeezed(block: str) -> tuple[Rule, ...]:
    """The layers of a block whose parts are numbered; squeeze-and-excitation moves the number of what follows."""
    return (
        *(Rule(f"{B}.conv_pw", f"{block}.0.0", PWL), Rule(f"{B}.bn1", f"{block}.0.1", PWL)),
        *(Rule(f"{B}.conv_dw", f"{block}.1.0", PWL), Rule(f"{B}.bn2", f"{block}.1.1", PWL)),
        *squeeze(2, block, PWL),
        *(Rule(PWL, f"{block}.3.0", SE), Rule(f"{B}.bn3", f"{block}.3.1", SE)),
        *(Rule(PWL, f"{block}.2.0"), Rule(f"{B}.bn3", f"{block}.2.1")),
        *(Rule(f"{B}.conv_dw", f"{block}.0.0"), Rule(f"{B}.bn1", f"{block}.0.1")),
        *squeeze(1, block),
        *(Rule(f"{B}.conv_pw", f"{block}.2.0", SE), Rule(f"{B}.bn2", f"{block}.2.1", SE)),
        *(Rule(f"{B}.conv_pw", f"{block}.1.0"), Rule(f"{B}.bn2", f"{block}.1.1")),
    )


MOBILENET_V3 = (
    *stem("features.0."),
    *(Rule(f"{B}.conv", "features.{n+1}.0"), Rule(f"{B}.bn1", "features.{n+1}.1", f"{B}.conv")),
    *(Rule("conv_head", "classifier.0", form="dense"), Rule("classifier", "classifier.3")),
    *squeezed("features.{n+1}.block"),
)
EFFICIENTNET = (
    *stem("features.0."),
    *(Rule("conv_head", "features.{S+1}.0"), Rule("bn2", "features.{S+1}.1"), Rule("classifier", "classifier.1")),
    *squeezed("features.{s+1}.{b}.block"),
)

THEIR_REGNET, OUR_REGNET = "s{s}.b{b}", "trunk_output.block{s}.block{s}-{b-1}"
REGNET = (
    *(Rule("stem.conv", "stem.0"), Rule("stem.bn", "stem.1"), Rule("head.fc", "fc")),
    *(
        Rule(f"{THEIR_REGNET}.{theirs}.{kind}", f"{OUR_REGNET}.{ours}.{number}")
        for theirs, ours in (("conv1", "f.a"), ("conv2", "f.b"), ("conv3", "f.c"), ("downsample", "proj"))
        for number, kind in enumerate(("conv", "bn"))
    ),
    *(Rule(f"{THEIR_REGNET}.se.{name}", f"{OUR_REGNET}.f.se.{name}") for name in ("fc1", "fc2")),
)

THEIR_CONVNEXT, OUR_CONVNEXT = "stages.{s}.blocks.{b}", "features.{2s+1}.{b}"
CONVNEXT = (
    *(Rule("stem.{i}", "features.0.{i}"), Rule("stages.{s}.downsample.{i}", "features.{2s}.{i}")),
    *(Rule("head.norm", "classifier.0"), Rule("head.fc", "classifier.2")),
    Rule(f"{THEIR_CONVNEXT}.gamma", f"{OUR_CONVNEXT}.layer_scale", form="column"),
    *(Rule(f"{THEIR_CONVNEXT}.conv_dw", f"{OUR_CONVNEXT}.block.0"),),
    *(Rule(f"{THEIR_CONVNEXT}.norm", f"{OUR_CONVNEXT}.block.2"),),
    *(Rule(f"{THEIR_CONVNEXT}.mlp.fc{i}", f"{OUR_CONVNEXT}.block.{2 * i + 1}") for i in (1, 2)),
)
VGG = (
    Rule("features.{i}", "features.{i}"),
    *(Rule(f"pre_logits.fc{i}", f"classifier.{3 * i - 3}", form="dense") for i in (1, 2)),
    Rule("head.fc", "classifier.6"),
)

AS_TENSORFLOW = {"eps": 1e-3, "same_padding": True}  # of timm's models whose names begin with tf_

TABLES = (
    Table("timm's mobilenetv2", MOBILENET_V2, B),
    Table("timm's mobilenetv3", MOBILENET_V3, B, options=({"eps": 1e-5}, AS_TENSORFLOW)),
    Table("timm's efficientnet", EFFICIENTNET, B),
    Table("timm's mnasnet", MNASNET, B),
    Table("timm's regnet", REGNET),
    Table("timm's convnext", CONVNEXT),
    Table("timm's vgg", VGG),
)
