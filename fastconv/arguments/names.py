"""Names of PyTorch, Keras, scikit-learn and NumPy: what to write for each here. Read when a name is missing."""

import sys
from collections.abc import Iterator
from importlib import import_module

from ..ops import check

ROOMS = ("layers", "ops", "models", "losses", "optim", "data", "init")  # modules below fastconv
KINDS = {"layers": "the layer", "ops": "the function on arrays", "init": "first values"}

CONV = "fastconv.Conv2D(16, 3, padding=1); the number of input channels is inferred"
TRANSPOSED = "fastconv.ConvTranspose2D(16, 2, stride=2); the number of input channels is inferred"
NORM = "fastconv.BatchNorm(); the number of channels is inferred"
MODEL = "fastconv.Network(model, input_shape); a model is a layer, a sequential(...), or a function of nodes"
OWN = "fastconv.Layer; the base of your own layers; a model is a layer, a sequential(...), or a function of nodes"
CHAIN = "fastconv.sequential(fastconv.Conv2D(16, 3), fastconv.ReLU())"
JOIN = "fastconv.concat(a, b); in a model; fastconv.concatenate((x, x)) for arrays"
CLASSES = "fastconv.CrossEntropy(); it takes logits and class numbers, so the network ends without Softmax"
SQUARES = "fastconv.MSE(reduction='mean')"
ARRAY = "np.asarray([1, 2], 'float32'); arrays of NumPy are used as they are"
TRAIN = "fastconv.fit(network, x, labels)"
BATCHES = "fastconv.fit(network, x, labels, batch_size=32); it takes whole arrays, and shuffles and cuts them itself"
PREDICT = "network.predict(x); it keeps no gradients, and leaves dropout and batch norm as in evaluation"
SEED = "fastconv.Network(model, input_shape, seed=0)"
GRADIENTS = "network.gradients(x, labels, loss)"
RULES = "fastconv.Adam(lr=0.001); there are SGD, Adam, AdamW and RMSprop"
ACTIVATION = "fastconv.ReLU(); each activation is a layer of its own"
DATA = "fastconv.data.load(); or any NumPy arrays"
INPUT = "fastconv.Network(model, input_shape); the network gets the shape of one image, such as (1, 28, 28)"
LOAD = "network.load(path); images come from fastconv.data.load()"
RULE = "fastconv.init; layers take init='he_normal'"
MODELS = (
    "fastconv.models.resnet18(); there are lenet5, alexnet, vgg11 to vgg19, googlenet, resnet18 to resnet152, "
    "resnet20 to resnet110, resnext50_32x4d, wide_resnet50_2, squeezenet1_0, densenet121 to densenet201, mobilenet_v1, "
    "mobilenet_v2, mobilenet_v3_large, mnasnet1_0, efficientnet_b0, regnet_x_400mf, inception_v3, convnext_tiny, "
    "shufflenet_v2_x1_0, fcn_resnet50, unet and autoencoder"
)
ABSENT = ("xception", "vit", "swin", "maxvit", "deeplab")
PREPARED = "fastconv.fit(network, x, labels, batch_size=32); it cuts the arrays itself and takes class numbers"
COUNTS = "fastconv.metrics.confusion_matrix(network.predict(x), labels)"
CORRELATED = (
    "fastconv.conv2d(image[None, None], kernel[None, None], padding='full')[0, 0]; of a plane (H, W); padding='same' "
    "and 'valid' are the other modes"
)
ZEROS = "of a plane (H, W); zeros are around it"

EXPRESSIONS = {  # name -> what to write; a note
    **dict.fromkeys(("Conv2d", "Convolution2D"), CONV),
    **dict.fromkeys(("ConvTranspose2d", "Conv2DTranspose", "Deconv2D", "Convolution2DTranspose"), TRANSPOSED),
    **dict.fromkeys(("MaxPool2d", "MaxPooling2D", "MaxPool"), "fastconv.MaxPool2D(2)"),
    **dict.fromkeys(("AvgPool2d", "AveragePooling2D", "AveragePool2D"), "fastconv.AvgPool2D(2)"),
    **dict.fromkeys(("AdaptiveAvgPool2d", "AdaptiveAveragePooling2D"), "fastconv.AdaptiveAvgPool2D(1)"),
    **dict.fromkeys(("AdaptiveMaxPool2d", "AdaptiveMaxPooling2D"), "fastconv.AdaptiveMaxPool2D(1)"),
    **dict.fromkeys(("GlobalAveragePooling2D", "GlobalAveragePool2D"), "fastconv.GlobalAvgPool2D()"),
    "GlobalMaxPooling2D": "fastconv.GlobalMaxPool2D()",
    "LPPool2d": "fastconv.LpPool2D(2)",
    **dict.fromkeys(("BatchNorm2d", "BatchNorm1d", "BatchNorm2D", "BatchNormalization", "SyncBatchNorm"), NORM),
    "LayerNormalization": "fastconv.LayerNorm()",
    "GroupNormalization": "fastconv.GroupNorm(8)",
    **dict.fromkeys(
        ("InstanceNorm2d", "InstanceNorm1d", "InstanceNormalization"),
        "fastconv.InstanceNorm(); the number of channels is inferred",
    ),
    **dict.fromkeys(("Dropout2d", "SpatialDropout2D"), "fastconv.Dropout(0.5); it drops values, not whole planes"),
    "DropPath": "fastconv.StochasticDepth(0.1)",
    **dict.fromkeys(("ZeroPadding2D", "ZeroPad2d", "ConstantPad2d"), "fastconv.ZeroPad2D(1)"),
    **dict.fromkeys(("ReflectionPad2d", "ReflectPad2D"), "fastconv.ReflectionPad2D(1)"),
    **dict.fromkeys(("ReplicationPad2d", "EdgePad2D"), "fastconv.ReplicationPad2D(1)"),
    "UpsamplingBilinear2d": "fastconv.Upsample(2, mode='bilinear', align_corners=True)",
    **dict.fromkeys(("DepthToSpace", "SubpixelConv2D"), "fastconv.PixelShuffle(2)"),
    "SpaceToDepth": "fastconv.PixelUnshuffle(2)",
    **dict.fromkeys(("UpSampling2D", "UpsamplingNearest2d", "Upsampling2D"), "fastconv.Upsample(2)"),
    "LazyConv2d": CONV,
    **dict.fromkeys(("Conv1d", "Convolution1D", "LazyConv1d"), CONV.replace("2D", "1D")),
    **dict.fromkeys(("ConvTranspose1d", "Conv1DTranspose"), TRANSPOSED.replace("2D", "1D")),
    **dict.fromkeys(("MaxPool1d", "MaxPooling1D"), "fastconv.MaxPool1D(2)"),
    **dict.fromkeys(("AvgPool1d", "AveragePooling1D"), "fastconv.AvgPool1D(2)"),
    **dict.fromkeys(("AdaptiveAvgPool1d", "AdaptiveAveragePooling1D"), "fastconv.AdaptiveAvgPool1D(1)"),
    "AdaptiveMaxPool1d": "fastconv.AdaptiveMaxPool1D(1)",
    **dict.fromkeys(("GlobalAveragePooling1D", "GlobalAveragePool1D"), "fastconv.GlobalAvgPool1D()"),
    "GlobalMaxPooling1D": "fastconv.GlobalMaxPool1D()",
    **dict.fromkeys(("get_model", "create_model", "list_models"), MODELS),
    "confusion_matrix": COUNTS,
    **dict.fromkeys(("correlate2d", "correlate"), CORRELATED),
    "uniform_filter": f"fastconv.avg_pool2d(image[None, None], 3, 1, 1)[0, 0]; {ZEROS}",
    "maximum_filter": "fastconv.max_pool2d(image[None, None], 3, 1, 1)[0, 0]; of a plane (H, W)",
    "minimum_filter": "-fastconv.max_pool2d(-image[None, None], 3, 1, 1)[0, 0]; of a plane (H, W)",
    "zoom": "fastconv.upsample_nearest2d(image[None, None], 2)[0, 0]; of a plane (H, W); each value is repeated",
    **dict.fromkeys(
        ("LazyLinear", "FullyConnected", "InnerProduct"), "fastconv.Linear(10); the input size is inferred"
    ),
    **dict.fromkeys(("Swish", "SiLu"), "fastconv.SiLU()"),
    **dict.fromkeys(("clip", "clamp"), "fastconv.hardtanh(x, 0.0, 6.0); the layer is fastconv.Hardtanh(0.0, 6.0)"),
    **dict.fromkeys(("LeakyRelu", "LeakyRELU"), "fastconv.LeakyReLU(0.01)"),
    **dict.fromkeys(("Activation", "activations"), ACTIVATION),
    "Sequential": CHAIN,
    **dict.fromkeys(("ModuleList", "ModuleDict"), CHAIN + "; or keep layers in a list of Python"),
    **dict.fromkeys(("Model", "NeuralNetwork", "Net", "CNN", "Classifier"), MODEL),
    "Module": OWN,
    **dict.fromkeys(("Identity", "Lambda"), "lambda x: x; a model may be any function of nodes"),
    "Add": "a + b; of two nodes in a model",
    **dict.fromkeys(("Concatenate", "cat", "hstack", "vstack", "Merge", "merge"), JOIN),
    **dict.fromkeys(("Input", "InputLayer", "InputSpec"), INPUT),
    "Unflatten": "fastconv.Reshape((16, 7, 7)); without the batch axis",
    "Transpose": "fastconv.Permute((1, 2, 0)); axes of one image, counted from 0",
    **dict.fromkeys(("LayerNorm2d", "LayerNorm2D"), "fastconv.LayerNorm(axis='channels')"),
    **dict.fromkeys(("LayerScale", "Scale"), "fastconv.ChannelScale(1e-6); a trained factor for each channel"),
    "flatten": "fastconv.Flatten(); the layer; arrays have x.reshape(len(x), -1)",
    **dict.fromkeys(("CrossEntropyLoss", "CategoricalCrossentropy", "SparseCategoricalCrossentropy"), CLASSES),
    **dict.fromkeys(("NLLLoss", "NLL"), "fastconv.losses.NLL(); after LogSoftmax"),
    **dict.fromkeys(("MSELoss", "MeanSquaredError", "mse", "mean_squared_error", "L2Loss"), SQUARES),
    **dict.fromkeys(("Adagrad", "Adadelta", "Adamax", "NAdam", "Nadam", "RAdam", "LBFGS", "Lion", "Ftrl"), RULES),
    **dict.fromkeys(("clip_grad_norm_", "clip_grad_norm", "clip_by_norm"), "fastconv.clip_gradients(gradients, 5.0)"),
    **dict.fromkeys(("train", "fit_model", "Trainer", "train_on_batch", "partial_fit"), TRAIN),
    "compile": TRAIN + "; the loss and the optimizer are arguments of fit",
    **dict.fromkeys(("DataLoader", "TensorDataset", "Dataset", "ImageDataGenerator"), BATCHES),
    **dict.fromkeys(("predict", "eval", "no_grad", "inference_mode", "forward", "predict_proba", "infer"), PREDICT),
    **dict.fromkeys(("score", "accuracy", "accuracy_score"), "fastconv.evaluate(network, x, labels)"),
    **dict.fromkeys(("tensor", "Tensor", "from_numpy", "as_tensor", "Variable", "array", "asarray"), ARRAY),
    **dict.fromkeys(("manual_seed", "seed", "set_seed", "random"), SEED),
    **dict.fromkeys(("grad", "autograd", "backward", "GradientTape", "value_and_grad", "gradients"), GRADIENTS),
    **dict.fromkeys(("load_model", "load_weights", "load_state_dict"), LOAD),
    **dict.fromkeys(("save_model", "save_weights", "state_dict"), "network.save(path)"),
    "summary": "network.summary()",
    "nn": "fastconv.layers; every layer is also there by itself: fastconv.Conv2D",
    **dict.fromkeys(("functional", "F"), "fastconv.ops; every function is also there by itself: fastconv.relu(x)"),
    **dict.fromkeys(("optimizers", "optimizer"), "fastconv.optim"),
    "loss": "fastconv.losses",
    **dict.fromkeys(("applications", "model", "torchvision"), "fastconv.models"),
    **dict.fromkeys(("datasets", "mnist", "load_data", "fashion_mnist"), DATA),
    "utils": PREPARED,
    **dict.fromkeys(("initializers", "orthogonal", "orthogonal_"), RULE),
    **dict.fromkeys(("kaiming_normal", "kaiming_normal_", "kaiming"), "fastconv.init.he_normal"),
    **dict.fromkeys(("kaiming_uniform", "kaiming_uniform_"), "fastconv.init.he_uniform"),
    **dict.fromkeys(("xavier_normal", "xavier_normal_"), "fastconv.init.glorot_normal"),
    **dict.fromkeys(("xavier_uniform", "xavier_uniform_", "xavier"), "fastconv.init.glorot_uniform"),
    "version": "fastconv.__version__",
    "set_threads": "fastconv.set_num_threads(2)",
}

THREE_AXES = "3-D images are not supported: there are layers of images (C, H, W) and of signals (C, L), such as Conv1D"
IMAGES = "fastconv has layers for images alone"
RATE = "write fit(..., schedule=fastconv.schedules.cosine()); help(fastconv.schedules) lists them"
CALLBACK = "write fit(..., callbacks=[...]) with those of fastconv.callbacks, or on_epoch=function"
CPU = "fastconv computes on the CPU, nothing is moved; threads: fastconv.set_num_threads"
SPLIT = "cut the arrays yourself: x[:50000], x[50000:]"
LABELS = "class numbers are taken as they are, labels of shape (N,); from one-hot rows: labels.argmax(1)"
PICTURES = "prepare arrays with NumPy, such as x.astype('float32') / 255"
BINARY = (
    "for yes or no write fastconv.losses.BCEWithLogits(), without Sigmoid; the function on arrays is "
    "fastconv.binary_cross_entropy_with_logits"
)
DIFFERENCE = (
    "losses of differences are fastconv.losses.L1(), fastconv.losses.Huber() and fastconv.MSE('mean'); the functions "
    "on arrays are fastconv.l1_loss, fastconv.huber_loss and fastconv.mse_loss"
)

SENTENCES = {  # name -> what there is instead
    **dict.fromkeys(("Conv3d", "Conv3D", "ConvTranspose3d", "Conv3DTranspose", "conv3d", "BatchNorm3d"), THREE_AXES),
    **dict.fromkeys(("MaxPool3d", "MaxPooling3D", "AvgPool3d", "AveragePooling3D", "max_pool3d"), THREE_AXES),
    **dict.fromkeys(("LSTM", "GRU", "RNN", "Embedding", "Transformer", "MultiheadAttention", "Attention"), IMAGES),
    **dict.fromkeys(
        ("lr_scheduler", "StepLR", "ExponentialLR", "CosineAnnealingLR", "ReduceLROnPlateau", "LearningRateScheduler"),
        RATE,
    ),
    **dict.fromkeys(("OneCycleLR", "LambdaLR", "MultiStepLR", "LinearLR", "ConstantLR"), RATE),
    **dict.fromkeys(("EarlyStopping", "ModelCheckpoint", "Callback", "TensorBoard"), CALLBACK),
    **dict.fromkeys(("device", "cuda", "to", "backends", "cpu", "gpu", "amp", "autocast", "distributed", "jit"), CPU),
    **dict.fromkeys(("train_test_split", "random_split", "KFold", "cross_val_score"), SPLIT),
    **dict.fromkeys(("to_categorical", "one_hot", "OneHotEncoder", "LabelEncoder"), LABELS),
    **dict.fromkeys(("transforms", "preprocessing", "StandardScaler", "ToTensor", "Normalize", "Rescaling"), PICTURES),
    **dict.fromkeys(
        ("BCELoss", "BCEWithLogitsLoss", "BinaryCrossentropy", "BinaryCrossEntropy", "BCE", "BCEWithLogits"), BINARY
    ),
    **dict.fromkeys(("L1Loss", "HuberLoss", "SmoothL1Loss", "MeanAbsoluteError", "MAE", "Huber", "L1"), DIFFERENCE),
}


def says(module: str, name: str) -> str:
    """What follows "no attribute 'name'": what to write, what it may mean, or nothing."""
    written = MODELS if folded(name).startswith(ABSENT) else EXPRESSIONS.get(name)
    if written:
        line, _, note = written.partition("; ")
        return f"; write {line}{f' ({note})' if note else ''}"
    if name in SENTENCES:
        return f"; {SENTENCES[name]}"
    found = list(dict.fromkeys(meant(module, name)))
    if not found:
        return ""
    *first, last = found[:4]
    return f"; did you mean {', '.join(first)}{' or ' if first else ''}{last}?"


def meant(module: str, name: str) -> Iterator[str]:
    """Names of fastconv that may be meant: elsewhere, in another case, longer, or nearly the same."""
    own = here(module)
    same = {each: place for each, place in own.items() if folded(each) == folded(name)}
    same |= {each: place for each, place in everywhere().items() if folded(each) == folded(name)}
    if same:
        yield from (shown(each, place) for each, place in same.items())
        return
    longer = [each for each in own if len(name) > 2 and folded(name) in folded(each)]
    if longer:
        yield from (shown(each, own[each]) for each in sorted(longer, key=lambda each: (len(each), each)))
        return
    places = {**everywhere(), **own}
    swapped = [each for each in places if sorted(folded(each)) == sorted(folded(name))]  # SDG for SGD
    for each in swapped or check.nearest(name, places, 3, 0.7):
        yield shown(each, places[each])


def here(module: str) -> dict[str, str]:
    """name -> module, of the names that the module shows; for fastconv each with the module that it comes from."""
    if module == "fastconv":
        flat = sys.modules[module].__all__
        origin = everywhere()
        return {name: origin.get(name, "") for name in flat if not name.startswith("_")}
    room = module.rpartition(".")[2]
    return {name: room for name in dir(sys.modules[module])}


def everywhere() -> dict[str, str]:
    """name -> module below fastconv, of all public names."""
    return {name: room for room in reversed(ROOMS) for name in dir(import_module(f"fastconv.{room}"))}


def shown(name: str, room: str) -> str:
    """The name as one writes it, and what it is."""
    flat = name in sys.modules["fastconv"].__all__
    path = f"fastconv.{name}" if flat or not room else f"fastconv.{room}.{name}"
    if room == "models" and name.islower() and name != "known":
        return f"{path}()"
    kind = KINDS.get(room)
    return f"{path} ({kind})" if kind else path


def folded(name: str) -> str:
    """The name without case and underscores."""
    return name.replace("_", "").lower()
