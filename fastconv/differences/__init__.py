"""Gradients compared with central differences, in float64.

gradcheck                   any op, layer, network or function of one's own
central_differences         the gradient of any function of one array
GradientError               what gradcheck raises; its report says more
Report, Row                 what gradcheck found
"""

from .central import central_differences
from .gradcheck import gradcheck
from .report import GradientError, Report, Row

__all__ = ["GradientError", "Report", "Row", "central_differences", "gradcheck"]
