# SPDX-License-Identifier: BSD-3-Clause
"""What all displays have in common."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skseq import PCAAutoencoder, plotting
from skseq.plotting import (
    ErrorDistributionDisplay,
    FeatureErrorDisplay,
    LatentSpaceDisplay,
    LossCurveDisplay,
    ReconstructionDisplay,
    ScoreTimelineDisplay,
    ThresholdDisplay,
)

SCORED = [ErrorDistributionDisplay, ScoreTimelineDisplay, ThresholdDisplay]
LABELLED = [*SCORED, LatentSpaceDisplay, FeatureErrorDisplay]


def _scores(display):
    score = getattr(display, "score", None)
    return score if score is not None else display.thresholds


def test_every_display_is_public():
    assert [name for name in dir(plotting) if name.endswith("Display")] == sorted(
        plotting.__all__
    )


@pytest.mark.parametrize("display", LABELLED)
def test_display_makes_a_figure_of_pyplots(display, detector, windows, plt):
    drawn = display.from_estimator(detector, *windows)
    assert drawn.figure_ is plt.gcf()
    assert drawn.ax_.figure is drawn.figure_


@pytest.mark.parametrize("display", LABELLED)
def test_display_draws_on_the_axes_that_it_is_given(display, detector, windows, plt):
    ax = Figure().add_subplot()
    drawn = display.from_estimator(detector, *windows, ax=ax)
    assert drawn.ax_ is ax
    assert drawn.figure_ is ax.figure
    assert not plt.get_fignums()


@pytest.mark.parametrize("display", LABELLED)
def test_display_can_be_drawn_again(display, detector, windows):
    drawn = display.from_estimator(detector, *windows)
    first = drawn.ax_
    assert drawn.plot() is drawn
    assert drawn.ax_ is not first


@pytest.mark.parametrize("width", [3.5, 9])
@pytest.mark.parametrize("display", LABELLED)
def test_no_label_leaves_the_figure(display, detector, windows, width):
    drawn = display.from_estimator(detector, *windows)
    drawn.figure_.set_size_inches(width, 4)
    drawn.figure_.canvas.draw()
    inside = drawn.figure_.bbox.padded(1)
    ax = drawn.ax_
    for artist in (ax.xaxis.label, ax.yaxis.label, ax.get_legend()):
        if artist is None or artist is ax.yaxis.label and not artist.get_text():
            continue
        box = artist.get_window_extent()
        assert inside.contains(*box.min), artist
        assert inside.contains(*box.max), artist


@pytest.mark.parametrize("display", SCORED)
def test_threshold_of_a_detector_is_minus_its_offset(display, detector, windows):
    drawn = display.from_estimator(detector, *windows)
    assert drawn.threshold == 1.0
    score = detector.reconstruction_error(windows[0])
    np.testing.assert_allclose(np.sort(_scores(drawn)), np.sort(score))


@pytest.mark.parametrize("display", SCORED)
def test_threshold_of_a_classifier_is_its_own(display, classifier, windows):
    drawn = display.from_estimator(classifier, *windows)
    assert drawn.threshold == 2.0
    score = classifier.detector_.reconstruction_error(windows[0])
    np.testing.assert_allclose(np.sort(_scores(drawn)), np.sort(score))
    assert drawn.score_name == "reconstruction error"


def test_a_pipeline_is_stepped_through(windows):
    X, y = windows
    double = FunctionTransformer(lambda X: 2 * X)
    pca = PCAAutoencoder(n_components=4)
    pipeline = make_pipeline(double, pca).fit(X)
    for display in LABELLED:
        whole = display.from_estimator(pipeline, X, y)
        last = display.from_estimator(pipeline[-1], 2 * X, y)
        for name in ("score", "precision", "coordinates", "error"):
            if hasattr(whole, name):
                np.testing.assert_array_equal(getattr(whole, name), getattr(last, name))
    assert ReconstructionDisplay.from_estimator(pipeline, X).features_.shape == (3,)


def test_a_classifier_is_looked_into(classifier, windows):
    X, y = windows
    assert len(LatentSpaceDisplay.from_estimator(classifier, X, y).coordinates) == 40
    assert FeatureErrorDisplay.from_estimator(classifier, X).error.shape == (40, 3)
    display = LossCurveDisplay.from_estimator(make_pipeline("passthrough", classifier))
    assert display.loss_curve == [0.5, 0.2, 0.1]


@pytest.mark.parametrize(
    ("display", "attribute"),
    [
        (LossCurveDisplay, "loss_curve_"),
        (ReconstructionDisplay, "reconstruct"),
        (ScoreTimelineDisplay, "decision_function"),
    ],
)
def test_an_estimator_that_lacks_something_is_named(display, attribute):
    X = [] if display is LossCurveDisplay else [np.ones((2, 3))]
    with pytest.raises(TypeError, match=f"{attribute!r}, which StandardScaler lacks"):
        display.from_estimator(StandardScaler(), *X)


@pytest.mark.parametrize("display", [ErrorDistributionDisplay, ThresholdDisplay])
def test_labels_that_are_not_0_and_1_are_refused(display):
    with pytest.raises(ValueError, match=r"Got the labels \[-1, 1\] instead"):
        display.from_predictions([-1, 1, 1], [0.1, 0.2, 0.3])
    with pytest.raises(ValueError, match=r"each of the 3 scores. Got .* \(2,\)"):
        display.from_predictions([0, 1], [0.1, 0.2, 0.3])
