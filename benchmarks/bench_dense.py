"""The shapes of family dense, ours and each peer: `pytest benchmarks/bench_dense.py -k "NAME"`."""

import paired

FAMILY = "dense"


def test_dense(benchmark, shape, direction, contender):
    paired.run(benchmark, shape, direction, contender)
