# SPDX-License-Identifier: BSD-3-Clause
"""Keys in columns and in the levels of an index, and what they hold."""

import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skseq import PCAAutoencoder, SlidingWindow, StreamScorer, sliding_windows
from skseq.dask import windowed_scores
from skseq.metrics import false_alarm_rate
from skseq.persistence import load, save

N_ROWS = 80


def columns():
    machine = np.arange(N_ROWS) % 2 + 1
    at = pd.date_range("2026-03-01", periods=N_ROWS // 2, freq="1min").repeat(2)
    flow = np.random.default_rng(0).normal(size=(2, N_ROWS))
    return pd.DataFrame(
        {"machine": machine, "at": at, "flow": flow[0], "head": flow[1]}
    )


def fit(X):
    slider = SlidingWindow(5, group_by="machine", time="at", max_gap="5min")
    return make_pipeline(slider, PCAAutoencoder(2)).fit(X[:50])


BY_COLUMN, LATER = fit(columns()), columns()[50:]
INDEXED = {
    "both": columns().set_index(["machine", "at"]),
    "in the other order": columns().set_index(["at", "machine"]),
    "time": columns().set_index("at"),
    "group": columns().set_index("machine"),
    "with a third": columns().assign(row=range(N_ROWS)).set_index(["row", "at"]),
}
indexed = pytest.mark.parametrize("frame", INDEXED.values(), ids=INDEXED.keys())


@indexed
def test_levels_of_the_index_are_as_good_as_columns(frame, tmp_path):
    expected = BY_COLUMN.score_samples(LATER)
    fitted, later = fit(frame), frame[50:]
    assert_array_equal(fitted.score_samples(later), expected)
    windows = fitted[0].transform(later)
    pd.testing.assert_index_equal(windows.index, later.index)
    assert fitted[0].get_feature_names_out().tolist() == ["flow", "head"]
    save(fitted, tmp_path / "a.skseq")
    assert_array_equal(load(tmp_path / "a.skseq").score_samples(later), expected)
    # What names no series and no time is a column like any other, and unknown.
    rows = later.reset_index().drop(columns="row", errors="ignore")
    for form in (later, rows, rows.to_dict("records")):
        scores = StreamScorer(fitted).score_many(form)
        assert_allclose(scores, expected, rtol=1e-5)
    stream = StreamScorer(fitted)
    one_by_one = [stream.score_one(row) for row in rows.to_dict("records")]
    assert_allclose(one_by_one, expected, rtol=1e-5)


def test_a_column_comes_before_a_level_of_its_name():
    frame = columns()
    both = frame.set_index(pd.Index(frame["machine"] * 0, name="machine"))
    expected = np.asarray(
        SlidingWindow(3, group_by="machine", time="at").fit(frame).transform(frame)
    )
    slider = SlidingWindow(3, group_by="machine", time="at")
    assert_array_equal(np.asarray(slider.fit_transform(both)), expected)


def test_steps_before_the_windows_may_keep_the_index():
    frame = INDEXED["both"]
    scaler = StandardScaler().set_output(transform="pandas")
    slider = SlidingWindow(5, group_by="machine", time="at")
    fitted = make_pipeline(scaler, slider, PCAAutoencoder(2)).fit(frame[:50])
    scores = StreamScorer(fitted).score_many(frame[50:].reset_index())
    assert_allclose(scores, fitted.score_samples(frame[50:]), rtol=1e-5)


def test_the_index_of_a_dask_frame_may_be_the_time():
    frame = INDEXED["time"]
    fitted = fit(frame)
    ddf = dd.from_pandas(frame, npartitions=3, sort=False)
    scores = windowed_scores(ddf, fitted).compute(scheduler="synchronous")
    assert_array_equal(scores, fitted.score_samples(frame))
    with pytest.raises(ValueError, match="'group_by' level 'machine' of the index"):
        windowed_scores(ddf, fit(INDEXED["both"]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda f: f.reset_index("at"),
            r"'time' level 'at' of the index .* levels \['machine'\]: use X.set_index",
        ),
        (
            lambda f: f.reset_index("machine", drop=True),
            "'group_by' level 'machine' of the index .* fit on a table that has it as",
        ),
        (lambda f: f[::-1], "'time' level 'at' of the index decreases in row 2"),
        (
            lambda f: f.set_axis(f.index.set_levels(list("ab"), level="machine")),
            "'group_by' level 'machine' of the index holds text, .* fitted on numbers",
        ),
    ],
    ids=["time", "group", "order", "type"],
)
def test_errors_speak_of_the_index(change, message):
    frame = INDEXED["both"]
    fitted = fit(frame)
    with pytest.raises(ValueError, match=message):
        fitted.score_samples(change(frame))


def test_a_column_that_became_a_level_is_named():
    with pytest.raises(ValueError, match="column 'at' .* is a level of the index of X"):
        BY_COLUMN.score_samples(INDEXED["time"])
    with pytest.raises(ValueError, match=r"'group_by'.* 'pump'.*its index \['at'\]"):
        SlidingWindow(2, group_by="pump").fit(INDEXED["time"])


def test_a_stream_names_the_level_that_a_row_lacks():
    stream = StreamScorer(fit(INDEXED["both"]))
    row = {"flow": 1.0, "head": 2.0, "machine": 1}
    with pytest.raises(ValueError, match="no 'at', which was a level of the index"):
        stream.score_one(row)
    with pytest.raises(ValueError, match="no 'at', a column seen in fit"):
        stream.score_many(pd.DataFrame([row]))
    with pytest.raises(ValueError, match="no 'machine', which was a level"):
        stream.score_one([1.0, 2.0])


# An index that no parameter names ----------------------------------------------------


FEATURES = ["flow", "head"]


def of_one_machine(hours=range(N_ROWS // 2)):
    at = pd.Timestamp("2026-03-01") + pd.to_timedelta(list(hours), "h")
    frame = columns()[FEATURES][: len(at)]
    return frame.set_index(pd.DatetimeIndex(at, name="at"))


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (INDEXED["both"], r"\['machine'\] may name as series .* X.droplevel"),
        (INDEXED["both"].sort_index(), r"\['machine'\] may name"),
        (of_one_machine([*range(20), *range(20)]), "goes back in time, .* Give 'at'"),
        (of_one_machine([*range(20), *range(50, 70)]), "has gaps, .* 'max_gap'"),
        (
            of_one_machine([0, 1, 2, 3, 90]).rename_axis(None),
            "its name .see X.rename_axis",
        ),
    ],
    ids=["interleaved", "sorted", "again", "gap", "without a name"],
)
def test_an_index_that_tells_of_series_or_gaps_is_spoken_of(frame, message):
    with pytest.warns(UserWarning, match=message) as caught:
        SlidingWindow(3).fit(frame)
    assert caught[0].filename == __file__
    assert len(caught) == 1


@pytest.mark.parametrize(
    "frame",
    [
        columns()[FEATURES],
        INDEXED["group"][FEATURES],
        of_one_machine(),
        of_one_machine([0, 1, 2, 5, 6, 9]),  # as of days, with weekends
        of_one_machine([3]),
        INDEXED["both"][::2],  # of one machine
        of_one_machine().assign(n=range(40)).set_index("n", append=True),
    ],
    ids=["none", "ids", "even", "weekends", "one row", "one machine", "numbered"],
)
def test_an_index_that_tells_of_nothing_is_not_spoken_of(frame):
    SlidingWindow(3).fit(frame)  # warnings are errors


def test_what_a_parameter_names_is_not_spoken_of():
    SlidingWindow(3, time="at").fit(of_one_machine([*range(20), *range(50, 70)]))
    SlidingWindow(3, group_by="machine").fit(INDEXED["both"])
    with pytest.warns(UserWarning, match="'group_by' is None"):
        SlidingWindow(3, time="at").fit(INDEXED["both"])


# Types of names ----------------------------------------------------------------------


OTHER_TYPES = {
    "text": lambda ids: ids.astype(str),
    "objects": lambda ids: ids.astype(str).astype(object),
    "categories": lambda ids: ids.astype(str).astype("category"),
    "dates": lambda ids: pd.to_datetime(ids, unit="D"),
}


@pytest.mark.parametrize("convert", OTHER_TYPES.values(), ids=OTHER_TYPES.keys())
@pytest.mark.parametrize("time", [None, "at"])
def test_names_of_another_type_than_in_fit_are_an_error(convert, time):
    frame = columns() if time else columns().drop(columns="at")
    slider = SlidingWindow(3, group_by="machine", time=time).fit(frame)
    other = frame.assign(machine=convert(frame["machine"]))
    with pytest.raises(ValueError, match="'group_by' column holds .* on numbers"):
        slider.transform(other)
    with pytest.raises(ValueError, match="'group_by' column holds numbers"):
        slider.fit(other).transform(frame)


@pytest.mark.parametrize("dtype", ["int8", ">i4", "float64", "Int64", "category"])
def test_numbers_of_any_type_name_the_same_series(dtype):
    frame = columns()
    late = frame[50:].assign(machine=frame["machine"][50:].astype(dtype))
    windows = BY_COLUMN[0].transform(late)
    assert_array_equal(np.asarray(windows), np.asarray(BY_COLUMN[0].transform(LATER)))
    assert not np.isnan(np.asarray(windows)).any()


def test_a_stream_takes_no_name_of_another_type_for_a_new_series():
    stream = StreamScorer(BY_COLUMN)
    row = LATER.iloc[0].to_dict()
    with pytest.raises(ValueError, match="named '7', but the 'group_by' column held n"):
        stream.score_one({**row, "machine": "7"})
    text = columns().assign(machine=columns()["machine"].astype(str))
    with pytest.raises(ValueError, match="named 7, .* held text in fit"):
        StreamScorer(fit(text)).score_one({**row, "machine": 7})


@pytest.mark.parametrize("order", [">", "<"])
@pytest.mark.parametrize("kind", ["i4", "f8", "M8[s]"])
def test_keys_of_either_byte_order_are_keys(order, kind):
    frame = columns().reset_index(drop=True)
    ids = frame["machine"].to_numpy().astype(order + kind)
    given = pd.DataFrame({"machine": ids, "at": frame["at"], "flow": frame["flow"]})
    slider = SlidingWindow(4, group_by="machine", time="at")
    expected = slider.fit_transform(frame[["machine", "at", "flow"]])
    assert_array_equal(np.asarray(slider.fit_transform(given)), np.asarray(expected))
    times = SlidingWindow(4, group_by=0, time=1).fit_transform(
        np.column_stack([frame["machine"], np.arange(N_ROWS), frame["flow"]]).astype(
            order + "f8"
        )
    )
    assert_array_equal(np.asarray(times), np.asarray(expected))
    windows, _ = sliding_windows(frame[["flow"]], 4, groups=ids, padded=True)
    assert_array_equal(np.asarray(windows), np.asarray(expected))
    y = np.zeros(N_ROWS, dtype=int)
    assert false_alarm_rate(y, y, groups=ids) == 0
