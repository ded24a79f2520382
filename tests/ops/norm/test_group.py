"""Group normalisation."""

import numpy as np
from norm_cases import batch, group, operands


def test_group_norm_of_a_group_a_channel_is_batch_norm_of_each_sample():
    x, w, b, dy = operands((3, 5, 4, 6), "batch")
    whole = group(lambda C: C)(x, w, b, dy)
    parts = [batch(x[n : n + 1], w, b, dy[n : n + 1]) for n in range(3)]
    for i in (0, 1):
        np.testing.assert_allclose(whole[i], np.concatenate([p[i] for p in parts]), rtol=1e-12, atol=1e-13)
    for i in (2, 3):
        np.testing.assert_allclose(whole[i], sum(p[i] for p in parts), rtol=1e-12)
