"""What rules mean: numbers, sums of them, conditions; and files for which no table is used."""

import numpy as np
import pytest

from fastconv.checkpoint import Mismatch, load, translation
from fastconv.checkpoint.translation import Source, arranged, arranged_shape, sources, tables, translated
from fastconv.checkpoint.translation.layout import AXES
from fastconv.checkpoint.translation.rules import Rule, Table, Translation

TABLE = Table(
    "an example",
    (
        Rule("blocks.{s}.{b}.out", "f.{n+1}.{s}.{2b}.three", "blocks.{s}.{b}.se"),
        Rule("blocks.{s}.{b}.out", "f.{n+1}.{s}.{2b+3}.two"),
        Rule("block{s}{a}.scale", "g.{s-1}.{a}.scale"),
        Rule("block{s}{a}.shift", "g.{a}.shift", "block{s}{a}.scale"),
        Rule("head", "h.{N}.{S}"),
    ),
    "blocks.{s}.{b}",
)
NAMES = ["blocks.0.0.out.weight", "blocks.2.0.out.bias", "blocks.2.1.out.weight", "blocks.2.1.se.weight", "head.bias"]
NAMES += ["block3c.scale.weight"]


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("blocks.0.0.out.weight", "f.1.0.3.two.weight"),
        ("blocks.2.0.out.bias", "f.2.2.3.two.bias"),
        ("blocks.2.1.out.weight", "f.3.2.2.three.weight"),
        ("block3c.scale", "g.2.2.scale"),
        ("block3c.shift.bias", "g.2.shift.bias"),
        ("block3d.shift.bias", None),
        ("group/block3c.shift/bias:0", "g.2.shift.bias"),
        ("head.bias", "h.3.2.bias"),
        ("blocks.2.1.se.weight", None),
        ("blocks.2.x.out.weight", None),
        ("blocks.20000.1.out.weight", None),
        ("blocksX2X1Xout.weight", None),
        ("xblocks.2.1.out.weight", None),
        ("head.bias.more", None),
        ("head", "h.3.2"),
    ],
)
def test_a_rule(name, ours):
    found = Translation(TABLE, NAMES).of(name)
    assert found == (None if ours is None else (ours, ""))


def test_ends_have_names_and_forms_of_their_own():
    table = Table("ends", (Rule("a", "b"), Rule("d", "e", form="io")), ends={"kernel": ("weight", "hwio")})
    made = Translation(table, [])
    assert made.of("a.kernel") == ("b.weight", "hwio")
    assert made.of("d.kernel") == ("e.weight", "io")
    assert made.of("a.gamma") is None


def test_two_names_for_one_array_are_no_translation():
    table = Table("two", (Rule("a", "c"), Rule("b", "c")))
    assert sources(table, {"a.weight": "a.weight", "b.weight": "b.weight"}) == {}


def test_names_that_fit_are_not_translated():
    names = {"conv_stem.weight": "conv_stem.weight"}
    assert translated(names, ["conv_stem.weight"]) == ({"conv_stem.weight": Source("conv_stem.weight")}, None)


def test_files_of_very_many_names_are_not_translated():
    names = {f"blocks.{i}.0.conv_dw.weight": "x" for i in range(1000)} | {"conv_stem.weight": "y", "bn1.weight": "z"}
    wanted = ["features.0.0.weight", "features.0.1.weight"]
    assert translated(names, wanted).sources.keys() == names.keys()
    few = {name: names[name] for name in ("conv_stem.weight", "bn1.weight")}
    assert translated(few, wanted).sources == {"features.0.0.weight": Source("y"), "features.0.1.weight": Source("z")}


def test_tables_have_names_and_no_rule_twice():
    families = [table.family for table in tables()]
    assert len(set(families)) == len(families) >= 7
    for table in tables():
        keys = [(rule.theirs, rule.where) for rule in table.rules]
        assert len(set(keys)) == len(keys)


FORMS = {
    "hwio": ((2, 3, 4, 5), (5, 4, 2, 3), lambda x, k, c, h, w: x[h, w, c, k]),
    "hwcm": ((2, 3, 4, 1), (4, 1, 2, 3), lambda x, k, c, h, w: x[h, w, k, c]),
}


@pytest.mark.parametrize("form", FORMS)
def test_filters_of_keras(form):
    shape, ours, at = FORMS[form]
    x = np.arange(np.prod(shape)).reshape(shape)
    assert arranged_shape(shape, form, ours) == ours
    y = arranged(x, form).reshape(ours)
    for place in np.ndindex(*ours):
        assert y[place] == at(x, *place)


def test_matrices():
    x = np.arange(12).reshape(3, 4)
    assert arranged_shape((3, 4), "io", (4, 3)) == (4, 3)
    np.testing.assert_array_equal(arranged(x, "io"), [[x[i, j] for i in range(3)] for j in range(4)])
    assert arranged_shape((1, 1, 3, 4), "io", (4, 3)) == (4, 3)
    np.testing.assert_array_equal(arranged(x.reshape(1, 1, 3, 4), "io"), x.T)


def test_a_matrix_after_a_flatten_of_channels_last_pixels():
    """Of 2 x 2 pixels: input (h, w, c) is row (2 h + w) 512 + c there, and column 4 c + 2 h + w here."""
    x = np.arange(2048 * 3).reshape(2048, 3)
    assert arranged_shape(x.shape, "hwc512", (3, 2048)) == (3, 2048)
    y = arranged(x, "hwc512").reshape(3, 2048)
    for k, c, h, w in ((0, 0, 0, 0), (2, 511, 1, 1), (1, 7, 0, 1), (1, 7, 1, 0)):
        assert y[k, 4 * c + 2 * h + w] == x[(2 * h + w) * 512 + c, k]
    assert arranged_shape((2047, 3), "hwc512", (3, 2047)) is None
    assert arranged_shape((512 * 5, 3), "hwc512", (3, 512 * 5)) is None


@pytest.mark.parametrize("form", [*AXES, "dense", "hwc512"])
def test_arrays_of_other_ranks_stay_as_they_are_or_are_refused(form):
    for shape in ((), (3,)):
        assert arranged(np.zeros(shape), form).shape == arranged_shape(shape, form, (7, 8)) == shape
    for shape in ((2, 3, 4), (2, 3, 4, 5, 6)):
        assert arranged_shape(shape, form, (4, 3, 2)) == (shape if form == "dense" else None)


def test_what_cannot_be_laid_out_is_reported(monkeypatch):
    table = Table("an example", (Rule("a", "b", form="hwc512"), Rule("c", "d")))
    monkeypatch.setattr(translation, "tables", lambda: [table])
    file = {"a.weight": np.zeros((8, 8)), "c.weight": np.zeros(1)}
    with pytest.raises(Mismatch, match=r"b.weight is \(8, 8\) float64, which cannot be laid out as \(8, 8\); load"):
        load(file, {"b.weight": np.zeros((8, 8)), "d.weight": np.zeros(1)})


def test_a_shape_that_does_not_fit_is_reported():
    with pytest.raises(Mismatch, match=r"features.0.0.weight is \(2,\)"):
        load({"conv_stem.weight": np.zeros(2)}, {"features.0.0.weight": np.zeros(3)})
