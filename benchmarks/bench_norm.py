"""The shapes of family norm, ours and each peer: `pytest benchmarks/bench_pool.py -k "NAME"`."""

import paired

FAMILY = "norm"


def test_norm(benchmark, shape, direction, contender):
    paired.run(benchmark, shape, direction, contender)
