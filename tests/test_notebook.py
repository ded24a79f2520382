"""The notebook of examples/ runs from its first cell to its last, in a folder of its own, and makes what it says."""

import json
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[1] / "examples" / "pictures_to_report.ipynb"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder in which it ran, and its cells afterwards."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Jupyter's own modules about each other
        import nbformat
        from nbconvert.preprocessors import ExecutePreprocessor

        folder = tmp_path_factory.mktemp("notebook")
        notebook = nbformat.read(NOTEBOOK, as_version=4)
        ExecutePreprocessor(timeout=300, kernel_name="python3").preprocess(
            notebook, {"metadata": {"path": str(folder)}}
        )
    return folder, notebook.cells


def outputs(cells):
    return [output for cell in cells if cell.cell_type == "code" for output in cell.outputs]


def test_it_shows_its_figures_and_no_error_or_warning(run):
    _, cells = run
    kinds = [output.output_type for output in outputs(cells)]
    assert "error" not in kinds
    assert [output.text for output in outputs(cells) if output.get("name") == "stderr"] == []
    pictures = [output for output in outputs(cells) if "image/png" in output.get("data", {})]
    assert len(pictures) == 4


def test_it_ends_with_a_report_and_a_network(run):
    folder, cells = run
    page = (folder / "clothes.html").read_text()
    assert page.startswith("<!doctype html>")
    assert page.count("<img") >= 8
    assert "Confusion" in page
    printed = "".join(output.get("text", "") for output in outputs(cells))
    assert "clothes.html: " in printed
    assert "('bag', " in printed


def test_it_is_stored_without_results():
    cells = [cell for cell in json.loads(NOTEBOOK.read_text())["cells"] if cell["cell_type"] == "code"]
    assert cells
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)
