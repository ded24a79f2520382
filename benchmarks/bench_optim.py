"""The shapes of family optim, ours and each peer: `pytest benchmarks/bench_optim.py -k "NAME"`."""

import paired

FAMILY = "optim"


def test_optim(benchmark, shape, direction, contender):
    paired.run(benchmark, shape, direction, contender)
