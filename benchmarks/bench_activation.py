"""The shapes of family activation, ours and each peer: `pytest benchmarks/bench_activation.py -k "NAME"`."""

import paired

FAMILY = "activation"


def test_activation(benchmark, shape, direction, contender):
    paired.run(benchmark, shape, direction, contender)
