"""Slopes of rectifiers at their corners."""

import numpy as np
import pytest
from activation_cases import (
    TEXTBOOK,
    gradient,
)


@pytest.mark.parametrize(
    ("case", "at", "slope"),
    [("relu", 0.0, 0), ("relu", -0.0, 0), ("leaky_relu", 0.0, 0.3), ("relu6", 0.0, 0), ("relu6", 6.0, 0)],
)
def test_slope_at_a_corner(case, at, slope):
    dx = gradient(case)(np.array([2.0]), np.array([at]), *TEXTBOOK[case][1])
    assert dx[0] == 2 * slope
