"""Files of ONNX run by the reference of the package onnx, which is NumPy alone.

Where that reference differs from the specification (onnx 1.23: LRN, ConvTranspose with groups, MaxPool at some borders,
BatchNormalization with a momentum before opset 14), the operator is written out here.
"""

import itertools
import warnings

import numpy as np
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

__all__ = ["run"]


class LRN(OpRun):
    """y[c] = x[c] / (bias + alpha / size (sum of x^2 from c - floor((size-1)/2) to c + ceil((size-1)/2)))^beta"""

    op_domain = ""

    def _run(self, x, alpha=None, beta=None, bias=None, size=None):
        squares, sums = x.astype("float64") ** 2, np.zeros(x.shape)
        for c in range(x.shape[1]):
            first, last = c - (size - 1) // 2, c + size // 2
            sums[:, c] = squares[:, max(first, 0) : last + 1].sum(1)
        return ((x / (bias + alpha / size * sums) ** beta).astype(x.dtype),)


class MaxPool(OpRun):
    """The largest value of each window; outside of x is -inf."""

    op_domain = ""

    def _run(self, x, kernel_shape=None, pads=None, strides=None, dilations=None, **others):
        top, left, bottom, right = pads or [0, 0, 0, 0]
        padded = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=-np.inf)
        taps = [
            padded[:, :, rows, columns]
            for rows, columns in windows(padded.shape[2:], kernel_shape, strides or [1, 1], dilations or [1, 1])
        ]
        return (np.max(taps, axis=0),)


def windows(size, kernel, stride, dilation):
    """For each tap of the kernel the rows and columns that all windows read there."""
    counts = [(n - d * (k - 1) - 1) // s + 1 for n, k, s, d in zip(size, kernel, stride, dilation, strict=True)]
    for tap in itertools.product(*map(range, kernel)):
        yield tuple(
            slice(t * d, t * d + (count - 1) * s + 1, s)
            for t, d, s, count in zip(tap, dilation, stride, counts, strict=True)
        )


class ConvTranspose(OpRun):
    """Each pixel spread over the result: y[n,k] += x[n,c,i,j] w[c,k] at rows i sh + dh u, columns j sw + dw v."""

    op_domain = ""

    def _run(self, x, w, bias=None, group=None, pads=None, strides=None, dilations=None, output_padding=None, **others):
        (n, c, h, width), (k, kernel) = x.shape, (w.shape[1], w.shape[2:])
        (top, left, bottom, right), extra = pads, output_padding or [0, 0]
        reach = [
            (m - 1) * s + d * (t - 1) + 1 + e
            for m, s, d, t, e in zip((h, width), strides, dilations, kernel, extra, strict=True)
        ]
        y = np.zeros((n, group * k, *reach))
        for g, u, v in itertools.product(range(group), range(kernel[0]), range(kernel[1])):
            part = x[:, g * c // group : (g + 1) * c // group].astype("float64")
            spread = np.einsum("nchw,ck->nkhw", part, w[g * c // group : (g + 1) * c // group, :, u, v])
            rows = slice(u * dilations[0], u * dilations[0] + (h - 1) * strides[0] + 1, strides[0])
            columns = slice(v * dilations[1], v * dilations[1] + (width - 1) * strides[1] + 1, strides[1])
            y[:, g * k : (g + 1) * k, rows, columns] += spread
        y = y[:, :, top : reach[0] - bottom, left : reach[1] - right]
        return ((y if bias is None else y + bias[:, None, None]).astype(x.dtype),)


class BatchNormalization(OpRun):
    """y = (x - mean) / sqrt(var + epsilon) scale + bias per channel"""

    op_domain = ""

    def _run(self, x, scale, bias, mean, var, epsilon=None, **others):
        along = (slice(None), *(None,) * (x.ndim - 2))
        z = (x - mean[along]) / np.sqrt(var[along] + epsilon)
        return ((z * scale[along] + bias[along]).astype(x.dtype),)


def run(path, *inputs):
    """The outputs of the file for these inputs, in their order; a single output by itself."""
    evaluator = ReferenceEvaluator(str(path), new_ops=[LRN, MaxPool, ConvTranspose, BatchNormalization])
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        results = evaluator.run(None, dict(zip(evaluator.input_names, inputs, strict=True)))
    return results[0] if len(results) == 1 else results
