"""The shapes of family conv, ours and each peer: `pytest benchmarks/bench_conv.py -k "NAME"`."""

import paired

FAMILY = "conv"


def test_conv(benchmark, shape, direction, contender):
    paired.run(benchmark, shape, direction, contender)
