# SPDX-License-Identifier: BSD-3-Clause
"""What fuzzing found to be silently wrong, one by one."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from skseq import (
    LSTMRegressor,
    PCAAutoencoder,
    SlidingWindow,
    StreamScorer,
    Windows,
    datasets,
    metrics,
    model_selection,
    pad_sequences,
    report,
    sliding_windows,
)


def test_a_masked_cell_is_a_missing_value():
    masked = np.ma.masked_equal([[1, 2], [3, 4]], 3)
    expected = [[1, 2], [np.nan, 4]]
    windows = SlidingWindow(1).fit_transform(masked)
    assert_array_equal(np.asarray(windows)[:, 0], expected)
    assert_array_equal(np.asarray(sliding_windows(masked, 1)[0])[:, 0], expected)
    assert_array_equal(pad_sequences(list(masked)), expected)
    X = np.arange(12.0).reshape(4, 3) % 5
    gaps = np.where(X == 2, np.nan, X)
    assert_array_equal(
        PCAAutoencoder(1).fit(np.ma.masked_equal(X, 2)).score_samples(X),
        PCAAutoencoder(1).fit(gaps).score_samples(X),
    )


@pytest.mark.parametrize("dtype", ["M8[s]", "m8[s]"])
@pytest.mark.parametrize("container", [np.asarray, pd.DataFrame])
def test_datetimes_are_no_numbers(dtype, container):
    X = container(np.arange(6).astype(dtype).reshape(3, 2))
    with pytest.raises(TypeError, match="X is not valid: it holds values of dtype"):
        PCAAutoencoder(1).fit(X)


def test_a_frame_of_complex_numbers_is_refused():
    X = pd.DataFrame({"a": [1 + 2j, 3, 4], "b": [1.0, 2.0, 3.0]})
    with pytest.raises(ValueError, match="Complex data not supported"):
        SlidingWindow(2).fit(X)
    with pytest.raises(ValueError, match="Complex data not supported"):
        PCAAutoencoder(1).fit(X.to_numpy())


def test_an_integer_beyond_float_is_refused():
    with pytest.raises(ValueError, match="X is not valid: int too large"):
        PCAAutoencoder(1).fit([[10**400, 1.0], [2.0, 3.0]])


def test_a_list_of_lists_can_be_explained():
    X = np.arange(12.0).reshape(4, 3) % 5
    model = PCAAutoencoder(1).fit(X)
    assert_array_equal(model.explain(X.tolist()), model.explain(X))


def test_row_numbers_do_not_wrap_around_into_the_table():
    table = np.zeros((5, 1))
    with pytest.raises(ValueError, match="'starts' and 'ends' must be rows"):
        Windows(table, np.array([2**32]), np.array([2**32]), 1)
    with pytest.raises(TypeError, match="starts is not valid"):
        Windows(table, [1.5], [2], 2)
    with pytest.raises(ValueError, match="'series_starts' must be 0 and further rows"):
        Windows(table, [0], [0], 1, series_starts=[3, 1])


def test_a_bool_is_no_position_of_a_window():
    windows, _ = sliding_windows(np.zeros((5, 1)), 2)
    with pytest.raises(IndexError, match="1-D ints or bools"):
        windows[True]


def test_labels_of_objects_are_labels():
    y_true = np.array([0, 0, 1, 1, 0], dtype=object)
    found = metrics.event_precision_recall_fscore_support(y_true, y_true)
    assert found[:3] == (1, 1, 1)


def test_a_tolerance_beyond_the_series_does_not_hang():
    with pytest.raises(ValueError, match="'max_window' parameter is 10000"):
        metrics.vus_pr_score([0, 1, 0], [0.1, 0.2, 0.3], max_window=10**30)


def test_a_target_beyond_float32_is_refused():
    X, y = np.zeros((4, 2, 1)), [0, 1, 2, 1e300]
    with pytest.raises(ValueError, match="Input y contains infinity or a value too"):
        LSTMRegressor(2, max_epochs=1).fit(X, y)


@pytest.mark.filterwarnings("ignore:.* too few to tell what errors are usual")
def test_nullable_rows_stream():
    X = np.array([[1.0, 2.0], [3.0, np.nan], [0.0, 1.0], [5.0, 1.0]])
    model = PCAAutoencoder(1).fit(np.stack([X, X + 1]))
    frame = pd.DataFrame(X).astype("Float64")
    assert_array_equal(
        StreamScorer(model).score_many(frame), StreamScorer(model).score_many(X)
    )


def test_a_signaling_nan_names_no_series():
    with pytest.raises(ValueError, match="groups is not valid"):
        sliding_windows(
            np.zeros((2, 1)), 1, groups=np.array([Decimal("sNaN"), 1], dtype=object)
        )


def test_a_signaling_nan_is_no_number_of_a_cell():
    X = np.array([[0.0, 0.0], [0.0, Decimal("sNaN")]], dtype=object)
    with pytest.raises(ValueError, match=r"Column 1 of X is not numeric.* in row 1"):
        sliding_windows(X, 1)


def test_a_duration_is_no_number_of_splits():
    with pytest.raises(TypeError, match="cv is not valid"):
        model_selection.cross_validate_windows(
            PCAAutoencoder(1), np.zeros((8, 2, 1)), cv=np.timedelta64(3, "s")
        )


def test_the_time_of_a_report_is_a_column(tmp_path):
    pytest.importorskip("matplotlib")
    X = np.random.default_rng(0).normal(size=(8, 2, 1))
    model = PCAAutoencoder(1).fit(X)
    with pytest.raises(ValueError, match="time is not valid"):
        report(model, X, path=tmp_path / "r.html", time=np.zeros((8, 1)))
    assert not (tmp_path / "r.html").exists()


def test_a_number_of_rows_of_eight_bits_makes_a_table():
    X, y = datasets.make_chaotic_process(np.int8(100), event_length=np.int8(5))
    assert len(X) == len(y) == 100
