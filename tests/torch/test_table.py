"""The table of costs, which needs no PyTorch."""

import json

import pytest

from fastconv.torch.table import Cost, Table


def test_a_layer_is_taken_where_it_is_clearly_quicker():
    assert Cost(1.0, 0.5).pays
    assert not Cost(1.0, 0.99).pays
    assert not Cost(1.0, 2.0).pays


def test_what_was_measured_comes_back_from_the_file(tmp_path):
    path = tmp_path / "costs.json"
    table = Table(path)
    assert "a" not in table
    table["a"] = (2e-3, 1e-3)
    table.save()
    assert json.loads(path.read_text()) == {"a": [2e-3, 1e-3]}
    again = Table(str(path))
    assert "a" in again
    assert again["a"] == Cost(2e-3, 1e-3)


def test_a_mapping_is_copied_and_saves_nowhere():
    given = {"a": (1, 2)}
    table = Table(given)
    table["b"] = (3.0, 4.0)
    table.save()
    assert given == {"a": (1, 2)}
    assert table["a"] == (1.0, 2.0)


@pytest.mark.parametrize("bad", [(1,), (1, 0), (-1, 1), "ab", None, (1, "2"), (float("nan"), 1)])
def test_a_cost_is_two_numbers_above_zero(bad):
    with pytest.raises(ValueError, match=r"table\['a'\] must be \(PyTorch's seconds, fastconv's seconds\)"):
        Table({"a": bad})


def test_another_source_is_refused(tmp_path):
    with pytest.raises(TypeError, match="table must be a path or a mapping of costs, got 3"):
        Table(3)
    path = tmp_path / "costs.json"
    path.write_text("no json")
    with pytest.raises(ValueError, match=r"costs.json is no JSON file: .*delete it"):
        Table(path)
    path.write_text("[1]")
    with pytest.raises(TypeError, match="table must be a path or a mapping"):
        Table(path)
    with pytest.raises(OSError, match="missing"):
        Table(tmp_path / "missing" / "costs.json").save()
