"""What all figures have in common."""

import pickle

import numpy as np

from fastconv import Network, layers, models, plot


def test_a_notebook_shows_a_figure_that_is_the_value_of_a_cell():
    figure = plot.confusion_matrix([0, 1, 1], [0, 1, 0])
    assert figure._repr_png_().startswith(b"\x89PNG\r\n")
    assert plot.text_of(pickle.loads(pickle.dumps(figure))) == plot.text_of(figure)


def test_dollar_signs_in_names_are_no_formulas():
    strange = r"$\frac{a}$"
    net = Network(layers.Linear(2, name=strange), (3,), seed=0)
    lenet, image = Network(models.lenet5(2), (1, 28, 28), seed=0), np.ones((1, 1, 28, 28), "float32")
    wrong = 1 - lenet.predict(image).argmax(1)
    figures = [
        plot.confusion_matrix([0, 1, 1], [0, 1, 0], [strange, "$"]),
        plot.confusion_matrix(np.arange(30), np.zeros(30, int), [strange] * 30, title=strange),
        plot.learning_curves({strange: [{"loss": 1.0}]}),
        plot.worst_mistakes(lenet, image, wrong, [strange, strange]),
        plot.graph(net),
        plot.memory_plan(net),
    ]
    for figure in figures:
        assert figure._repr_png_().startswith(b"\x89PNG")
    title = figures[1].get_suptitle()
    assert title.replace(r"\$", "$") == strange
    assert strange in plot.text_of(figures[0])
