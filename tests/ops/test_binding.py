"""Calls that Python cannot bind: what is wrong with the arguments, in one order, and what to write."""

import numpy as np
import pytest

from fastconv.ops.binding import by_position, parameters_of, refused, required, unbound

TOLD = {"input": "x", "lr": "write SGD(lr=VALUE)", "gone": "there is none: leave it out"}


def function(x, weight, stride=1, *, out=None):
    return x + weight


def told(word, known):
    assert known == ["x", "weight", "stride", "out"]
    return TOLD.get(word, "")


@pytest.mark.parametrize(
    ("args", "options", "says"),
    [
        ((), {}, "f needs x and weight; write f(x, weight)"),
        ((1,), {}, "f needs weight; write f(x, weight)"),
        ((1,), {"x": 2, "weight": 3}, "f got x by position and by name; write f(x, weight)"),
        ((1, 2, 3, 4), {}, "f takes only x, weight, stride by position, got also 4; write f(x, weight)"),
        ((1, 2), {"strid": 2}, "f takes no strid, got strid=2; write stride=2"),
        ((1, 2), {"Stride": 2}, "f takes no Stride, got Stride=2; write stride=2"),
        ((1, 2), {"zzz": 2}, "f takes no zzz, got zzz=2; it takes x, weight, stride, out"),
        ((1,), {"gone": 0, "lr": 0.1}, "f takes no gone, got gone=0; there is none: leave it out; takes no lr, got "
         "lr=0.1; write SGD(lr=0.1)"),
        ((), {"lr": "a" * 99}, "f takes no lr, got lr=...; write SGD(lr=...)"),
        ((), {"input": np.ones(2)}, "f takes no input, got input=array([1., 1.]); it is called x here: write x=input"),
        ((), {"input": np.ones(99)}, "f takes no input, got input=...; it is called x here: write x=input"),
        ((), {"input": len}, "f takes no input, got input=<built-in function len>; it is called x here: write x=input"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(args, options, says):
    with pytest.raises(TypeError) as caught:
        function(*args, **options)
    assert refused("f", function, args, options, told, "f(x, weight)") == says
    assert unbound(caught.value)


def test_what_to_do_with_arguments_beyond_those_that_have_a_place_may_be_said():
    says = refused("f", function, (1, 2, 3, 4), {}, told, "f(x, weight)", "write out=...")
    assert says == "f takes only x, weight, stride by position, got also 4; write out=..."
    says = refused("g", lambda *, out=None: 0, (1,), {}, told, "g()")
    assert says == "g takes nothing by position, got also 1; write g()"


def test_an_error_inside_the_function_is_told_from_one_of_the_call():
    with pytest.raises(TypeError) as caught:
        function(1, "a")
    assert not unbound(caught.value)


def test_a_method_has_no_self():
    class Kind:
        def method(self, x, *, y=0):
            return x

    parameters = parameters_of(Kind.method)
    assert (list(parameters), by_position(parameters), required(parameters)) == (["x", "y"], ["x"], ["x"])
