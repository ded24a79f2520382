"""Local response normalisation."""

import numpy as np

from fastconv.ops import norm


def test_local_response_norm_of_one_channel_each_way():
    """size 2 reaches down, not up, as PyTorch's window does."""
    x = np.array([[1.0, 10.0, 100.0]])
    y = norm.local_response_norm(x, 2, alpha=2.0, beta=1.0, k=0.0)
    np.testing.assert_allclose(y, [[1 / 1, 10 / 101, 100 / 10100]])
