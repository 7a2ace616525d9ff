# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
from sklearn.metrics import precision_score, recall_score

from skseq.plotting import (
    ErrorDistributionDisplay,
    LossCurveDisplay,
    ThresholdDisplay,
)


@pytest.fixture
def scored():
    rng = np.random.default_rng(0)
    y = np.arange(200) % 10 == 0
    return y, np.exp(rng.normal(size=200) + 1.5 * y).round(1) + 0.1


def test_loss_curves_start_at_epoch_one(detector):
    display = LossCurveDisplay.from_estimator(detector)
    training, validation = display.lines_
    np.testing.assert_array_equal(training.get_xdata(), [1, 2, 3])
    np.testing.assert_array_equal(training.get_ydata(), [0.5, 0.2, 0.1])
    np.testing.assert_array_equal(validation.get_ydata(), [0.6, 0.3, 0.4])
    assert display.best_epoch_line_.get_xdata() == [2, 2]
    assert display.ax_.get_yscale() == "log"
    assert display.ax_.get_ylabel() == "loss (mse), log scale"


def test_loss_curve_alone_is_enough():
    display = LossCurveDisplay([0.5, 0.0]).plot()
    assert len(display.lines_) == 1
    assert display.best_epoch_line_ is None
    assert display.ax_.get_yscale() == "linear"


def test_histograms_hold_the_shares_of_each_class(scored):
    y, score = scored
    display = ErrorDistributionDisplay.from_predictions(
        y, score, threshold=2.0, n_bins=20
    )
    for name, rows in (("normal", ~y), ("event", y)):
        data = display.patches_[name].get_data()
        assert data.values.sum() == pytest.approx(1)
        middle = np.sqrt(data.edges[10])
        below = data.values[: np.searchsorted(data.edges, middle)]
        edge = data.edges[len(below)]
        assert below.sum() == pytest.approx(np.mean(score[rows] < edge))
    ratios = data.edges[1:] / data.edges[:-1]
    np.testing.assert_allclose(ratios, ratios[0])
    assert display.threshold_line_.get_xdata() == [2.0, 2.0]


@pytest.mark.parametrize("score", [[-1.0, 0.5, 2.0], [1.0, 1.0, 1.0], [0.0, 1.0, 2.0]])
def test_scores_without_logarithm_have_a_linear_axis(score):
    display = ErrorDistributionDisplay.from_predictions([0, 0, 1], score)
    assert display.ax_.get_xscale() == "linear"
    assert display.patches_["normal"].get_data().values.sum() == pytest.approx(1)


def test_a_class_without_rows_is_an_empty_histogram():
    display = ErrorDistributionDisplay.from_predictions([0, 0], [1.0, 2.0])
    assert not display.patches_["event"].get_data().values.any()


def test_precision_recall_and_cost_are_those_of_the_rows_flagged(scored):
    y, score = scored
    display = ThresholdDisplay.from_predictions(y, score, cost=(1, 20))
    lines = {name: line.get_xydata().T for name, line in display.lines_.items()}
    thresholds = lines["precision"][0]
    np.testing.assert_array_equal(thresholds, np.unique(score))
    for k in range(0, len(thresholds), 7):
        flagged = score >= thresholds[k]
        assert lines["precision"][1, k] == precision_score(y, flagged)
        assert lines["recall"][1, k] == recall_score(y, flagged)
        cost = (flagged & ~y).sum() + 20 * (~flagged & y).sum()
        assert lines["cost"][1, k] == cost
    assert display.cost_ax_ is not None


def test_without_costs_no_cost_is_drawn(scored):
    display = ThresholdDisplay.from_predictions(*scored, threshold=1.5)
    assert set(display.lines_) == {"precision", "recall"}
    assert display.cost_ax_ is None
    assert display.threshold_line_.get_xdata() == [1.5, 1.5]


def test_labels_without_event_are_refused():
    with pytest.raises(ValueError, match="y holds no event: precision and recall"):
        ThresholdDisplay.from_predictions([0, 0], [0.1, 0.2])
