"""What all figures have in common."""

import pickle

from fastconv import plot


def test_a_notebook_shows_a_figure_that_is_the_value_of_a_cell():
    figure = plot.confusion_matrix([0, 1, 1], [0, 1, 0])
    assert figure._repr_png_().startswith(b"\x89PNG\r\n")
    assert plot.text_of(pickle.loads(pickle.dumps(figure))) == plot.text_of(figure)
