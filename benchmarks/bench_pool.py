"""The shapes of family pool, ours and each peer: `pytest benchmarks/bench_pool.py -k "NAME"`."""

import paired

FAMILY = "pool"


def test_pool(benchmark, shape, direction, contender):
    paired.run(benchmark, shape, direction, contender)
