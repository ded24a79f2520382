"""The shapes of family loss, ours and each peer: `pytest benchmarks/bench_loss.py -k "NAME"`."""

import paired

FAMILY = "loss"


def test_loss(benchmark, shape, direction, contender):
    paired.run(benchmark, shape, direction, contender)
