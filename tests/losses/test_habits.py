"""Losses as other libraries call them: each error says what to write, and that works."""

import inspect

import numpy as np
import pytest

import fastconv
from fastconv import MSE, CrossEntropy, losses
from fastconv.losses import L1, NLL, AuxiliaryCrossEntropy, BCEWithLogits, Huber


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: AuxiliaryCrossEntropy(reduction="sum"), r"takes no reduction, .*mean over the images"),
        (lambda: MSE(weight=[1, 2]), r"got weight=\[1, 2\]; classes have weights in fastconv.CrossEntropy\(weight="),
        (lambda: CrossEntropy(class_weight=[1, 2]), r"takes no class_weight, got .*; write weight=\[1, 2\]$"),
        (lambda: MSE(label_smoothing=0.1), r"write fastconv.CrossEntropy\(label_smoothing=0.1\)$"),
        (lambda: CrossEntropy(from_logits=True), "from_logits=True; it always takes logits: leave it out"),
        (lambda: MSE(ignore_index=-100), r"write images\[labels != -100\], labels\[labels != -100\]$"),
        (lambda: CrossEntropy(pos_weight=[2]), r"write fastconv.losses.BCEWithLogits\(pos_weight=\[2\]\)$"),
        (lambda: Huber(beta=2), r"write fastconv.losses.Huber\(delta=2\)$"),
        (
            lambda: CrossEntropy(weight=2),
            r"weight must be one number for each class, such as \(1, 2\.5\), or None, got 2$",
        ),
        (lambda: CrossEntropy("mean"), r"^CrossEntropy takes nothing by position, got also 'mean'; write CrossEntropy"),
        (lambda: AuxiliaryCrossEntropy(weight=(1, 0.5)), r"got weight=\(1, 0\.5\); write weights=\(1, 0\.5\)$"),
        (lambda: MSE("mean", 2), r"^MSE takes only reduction by position, got also 2; write MSE\('mean'\)$"),
        (lambda: MSE(reduce="mean"), r"^MSE takes no reduce, got reduce='mean'; write reduction='mean'$"),
        (lambda: CrossEntropy()(np.ones((1, 2)), [0]), r"not a function: write fastconv\.cross_entropy\(y, targets\)"),
        (lambda: MSE()(1, 2), r"not a function: write fastconv\.mse_loss\(y, targets\)"),
    ],
)
def test_arguments_of_other_libraries(call, says):
    with pytest.raises(TypeError, match=says):
        call()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("backward", r"write loss, gradients = network\.gradients\(.*fastconv\.train_step"),
        ("item", "losses as floats"),
        ("forward", r"fastconv\.cross_entropy and fastconv\.mse_loss"),
        ("nothing", "^MSE has no 'nothing'$"),
    ],
)
def test_attributes_of_other_libraries(name, says):
    with pytest.raises(AttributeError, match=says):
        getattr(MSE(), name)
    assert not hasattr(MSE(), name)


def test_losses_of_logits_say_so():
    assert CrossEntropy.takes_logits is CrossEntropy().takes_logits is AuxiliaryCrossEntropy().takes_logits is True
    assert BCEWithLogits().takes_logits is True
    assert MSE().takes_logits is NLL().takes_logits is False


def test_a_loss_shows_the_settings_that_are_not_usual():
    assert repr(CrossEntropy()) == "CrossEntropy()"
    assert (
        repr(CrossEntropy(weight=[1, 2], label_smoothing=0.1)) == "CrossEntropy(weight=(1.0, 2.0), label_smoothing=0.1)"
    )
    assert repr(Huber(2)) == "Huber(delta=2.0)"
    assert eval(repr(BCEWithLogits([3], "SUM"))) == BCEWithLogits((3.0,), reduction="sum")


def test_the_squared_error_shows_its_reduction_where_one_looks():
    assert repr(MSE()) == "MSE(reduction='half_sum')"
    first = inspect.getdoc(MSE).splitlines()[0]
    assert "half the sum" in first
    assert '"mean"' in first
    assert "392 times" in inspect.getdoc(MSE)
    assert "MSE('mean')" in inspect.getdoc(fastconv.fit)


def test_a_reduction_may_be_written_in_any_case():
    assert MSE("Mean") == MSE("mean")
    assert repr(MSE("SUM")) == "MSE(reduction='sum')"


@pytest.mark.parametrize(
    ("loss", "name", "value", "says"),
    [
        (MSE(), "reduction", "mean", r"^reduction of MSE cannot be set; make another .* MSE\(reduction='mean'\)$"),
        (MSE(), "reduce", "mean", r"write MSE\(reduction='mean'\)$"),
        (MSE(), "redaction", "mean", r"^MSE has no 'redaction'; its settings are reduction$"),
        (CrossEntropy(), "label_smoothing", 0.1, r"make another loss: write CrossEntropy\(label_smoothing=0.1\)$"),
        (CrossEntropy(), "ignore_index", 255, r"write CrossEntropy\(ignore_index=255\)$"),
        (CrossEntropy(), "class_weight", (1, 2), r"write CrossEntropy\(weight=\(1, 2\)\)$"),
        (L1(), "foo", 1, r"^L1 has no 'foo'; its settings are reduction$"),
        (AuxiliaryCrossEntropy(), "weight", (1, 2), r"write AuxiliaryCrossEntropy\(weights=\(1, 2\)\)$"),
    ],
)
def test_a_loss_does_not_change_and_says_which_to_make(loss, name, value, says):
    before = repr(loss)
    with pytest.raises(AttributeError, match=says):
        setattr(loss, name, value)
    assert repr(loss) == before


def test_a_loss_of_ones_own_that_extends_another_has_attributes():
    class Named(MSE):
        pass

    loss = Named("mean")
    loss.title = "squares"
    assert loss.title == "squares"


def test_an_attribute_that_a_property_lacks_is_the_one_named():
    class Weighted(losses.Loss):
        @property
        def reduction(self):
            return self.kind

    with pytest.raises(AttributeError, match=r"^Weighted has no 'kind'$"):
        Weighted().reduction  # noqa: B018


@pytest.mark.parametrize("kind", [MSE, CrossEntropy, AuxiliaryCrossEntropy, NLL, L1, Huber, BCEWithLogits])
def test_signatures_are_those_of_the_constructor(kind):
    fields = [field for field in inspect.signature(kind).parameters]
    assert fields == list(kind.__dataclass_fields__)
    assert kind() == kind()
    assert hash(kind()) == hash(kind())


def test_half_the_sum_is_as_many_times_the_mean_as_its_documentation_says():
    y, t = np.random.default_rng(0).normal(size=(2, 5, 1, 28, 28))
    values = [fastconv.mse_loss(y, t, reduction=reduction) for reduction in ("half_sum", "mean")]
    assert values[0] / values[1] == pytest.approx(392)


def test_the_protocol_of_own_losses_is_documented():
    text = losses.__doc__
    for method in ("prepare(targets, y_shape, dtype)", "target_array(y_shape, dtype)", "bind(y, targets, value, dy)"):
        assert method in text
    assert "takes_logits" in text
