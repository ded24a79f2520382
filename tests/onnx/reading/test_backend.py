"""ONNX's own cases, several for each operation: fastconv gives their results, or refuses with a known reason."""

import re

import pytest
from onnx_backend import cases, outcome, report

from fastconv.onnx.reading.operators import TABLE

REASONS = (  # what fastconv does not do
    "must be an array of floats|axes behind N|has free extents",
    "batch|images|does not depend on",
    "must be constant|must be a constant|must be a matrix|neither one number nor one per channel|one scale > 0",
    "must be 1 or the last|its dilations|its exponent|is empty$|does not fit",
    "must be one axis of|have extent 1",
    "must be nearest or linear|resizes images or channels|no whole sizes|antialias|must be stretch|must be one of",
    "has other axes than|a part of GELU|training_mode=1|divides by what is computed|fastconv has no convolution over",
)
NONE_RIGHT = {  # their cases are of other arrays; `test_operators` has them
    *(
        "Cast",
        "CastLike",
        "DequantizeLinear",
        "Erf",
        "GlobalLpPool",
        "Mean",
        "PRelu",
        "Pad",
        "Pow",
        "Max",
        "Min",
        "Mish",
    ),
    *("QuantizeLinear", "Shape", "Sum", "Swish", "Clip", "Where"),
}


@pytest.mark.parametrize("kind", sorted(TABLE))
def test_each_case_is_right_or_refused(kind):
    found = {case.name: outcome(case) for case in cases().get(kind, ())}
    assert [name for name, (what, _) in found.items() if what == "wrong"] == []
    refused = {name: why for name, (what, why) in found.items() if what == "refused"}
    assert {name: why for name, why in refused.items() if not re.search("|".join(REASONS), why)} == {}
    assert all(what != "right" for what, _ in found.values()) == (kind in NONE_RIGHT), refused


def test_the_count_of_all_cases():
    """`python tests/support/onnx_backend.py` prints it."""
    *_, last = report().splitlines()
    count, right, refused, wrong = map(int, re.findall(r"\d+", last))
    assert count == right + refused > 400
    assert right > 190
    assert wrong == 0
