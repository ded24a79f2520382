"""pygad.cnn: a convolutional network from a NumPy tutorial, in float64 with loops over the pixels. Eight images."""

PACKAGES = ("pygad.cnn",)
INSTALL = "pygad==3.9.2"
TOLERANCE = 1e-12


def program():
    import numpy as np
    from pygad import cnn

    np.random.seed(0)  # the package draws its weights here
    layer = cnn.Input2D(input_shape=(34, 34, 3))
    layer = cnn.Conv2D(num_filters=8, kernel_size=3, previous_layer=layer, activation_function="relu")
    layer = cnn.AveragePooling2D(pool_size=2, previous_layer=layer, stride=2)
    layer = cnn.Conv2D(num_filters=8, kernel_size=3, previous_layer=layer, activation_function="relu")
    layer = cnn.MaxPooling2D(pool_size=2, previous_layer=layer, stride=2)
    layer = cnn.Dense(num_neurons=4, previous_layer=cnn.Flatten(previous_layer=layer), activation_function="softmax")
    model, images = cnn.Model(last_layer=layer), np.random.uniform(size=(8, 34, 34, 3))
    return lambda: [model.feed_sample(image).copy() for image in images]


def replace():
    from pygad import cnn

    cnn.Conv2D.conv_ = conv
    cnn.MaxPooling2D.max_pooling = max_pooling
    cnn.AveragePooling2D.average_pooling = average_pooling


def conv(self, input2D, conv_filter):
    """Images (H, W, C), filters (K, R, S, C)."""
    import fastconv

    y = fastconv.conv2d(input2D.transpose(2, 0, 1), conv_filter.transpose(0, 3, 1, 2)).transpose(1, 2, 0)
    return y if self.activation is None else self.activation(y)


def max_pooling(self, input2D):
    import fastconv

    y = fastconv.max_pool2d(input2D.transpose(2, 0, 1), int(self.pool_size), int(self.stride))
    self.layer_output = y.transpose(1, 2, 0)


def average_pooling(self, input2D):
    import fastconv

    y = fastconv.avg_pool2d(input2D.transpose(2, 0, 1), int(self.pool_size), int(self.stride))
    self.layer_output = y.transpose(1, 2, 0)
