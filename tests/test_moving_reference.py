# SPDX-License-Identifier: BSD-3-Clause
import time

import numpy as np
import pandas as pd
import pytest
from make import sine_table, windows_of
from sklearn.ensemble import IsolationForest
from sklearn.pipeline import make_pipeline
from sklearn.svm import OneClassSVM

from skseq import (
    DetectorCommittee,
    MovingReference,
    PCAAutoencoder,
    SlidingWindow,
    load,
    save,
    sliding_windows,
)


def noise(n_rows=600, seed=0):
    return np.random.default_rng(seed).normal(size=(n_rows, 2))


def logs_of(model, X):
    return np.log(-model.detector_.score_samples(X))


def naive_scores(model, logs, series, before=()):
    """Scores of windows that end at each row, one after the other."""
    scores, past = [], {}
    for log, name in zip(logs, series, strict=True):
        rows = past.setdefault(name, list(before))
        known = rows[: max(len(rows) + 1 - model.lag_, 0)][-model.memory_ :]
        seen = [value for value in known if not np.isnan(value)]
        excess = 0.0
        if seen:
            excess = np.median(seen) - model.center_
            excess *= len(known) / model.memory_
        scores.append(model.strength_ * excess - log)
        rows.append(log)
    return np.array(scores)


@pytest.mark.parametrize("lag", [None, 3, 11])
@pytest.mark.parametrize("memory", [1, 7, 50, 1000])
def test_scores_are_those_of_a_naive_walk_over_the_rows(memory, lag):
    X = windows_of(noise(), 3)
    model = MovingReference(PCAAutoencoder(2), memory=memory, lag=lag, strength=0.7)
    model.fit(X[:300])
    expected = naive_scores(model, logs_of(model, X), np.zeros(600))
    np.testing.assert_allclose(model.score_samples(X), expected)


def test_the_center_is_the_median_of_the_training():
    X = windows_of(noise(), 3)
    model = MovingReference(PCAAutoencoder(2)).fit(X)
    assert model.center_ == pytest.approx(np.median(logs_of(model, X)))


def test_strength_zero_gives_the_log_scores_of_the_detector():
    X = windows_of(sine_table(200), 4)
    model = MovingReference(PCAAutoencoder(2), strength=0, memory=5).fit(X)
    own = PCAAutoencoder(2).fit(X)
    np.testing.assert_allclose(
        model.score_samples(X), -np.log(-own.score_samples(X)), rtol=1e-6
    )


def test_scores_of_any_sign_stay_as_they_are():
    X = windows_of(noise(), 3)
    model = MovingReference(OneClassSVM(), strength=0).fit(X)
    assert model.is_logarithmic_ is False
    cells = np.asarray(X).reshape(len(X), -1)
    own = model.detector_.score_samples(model._imputer.transform(cells))
    np.testing.assert_allclose(model.score_samples(X), own)
    forest = MovingReference(IsolationForest(n_estimators=5, random_state=0)).fit(X)
    assert forest.is_logarithmic_ is True


def test_nothing_looks_ahead():
    table, other = noise(), noise()
    other[400:] = 100 * noise(200, seed=1)
    X, Z = windows_of(table, 3), windows_of(other, 3)
    model = MovingReference(PCAAutoencoder(2), memory=50, strength=1).fit(X[:300])
    scores, others = model.score_samples(X), model.score_samples(Z)
    np.testing.assert_array_equal(scores[:400], others[:400])
    assert (scores[403:] != others[403:]).all()


def test_an_event_does_not_become_usual_within_the_lag():
    table = noise()
    table[400:440] *= 50
    X = windows_of(table, 3)
    plain, moving = (
        MovingReference(
            PCAAutoencoder(2), memory=20, lag=40, strength=strength, contamination=0.01
        ).fit(X[:300])
        for strength in (0, 1)
    )
    np.testing.assert_allclose(
        moving.score_samples(X)[400:440], plain.score_samples(X)[400:440], atol=2
    )
    assert (moving.score_samples(X)[470:] > plain.score_samples(X)[470:] + 3).any()


def test_false_alarms_stay_near_their_nominal_rate_under_drift():
    table = noise(6000)
    table[2000:] *= np.linspace(1, 3, 4000)[:, np.newaxis]
    X = windows_of(table, 3)
    shares = [
        np.mean(
            MovingReference(PCAAutoencoder(2), memory=300, strength=strength)
            .fit(X[:2000])
            .predict(X)[2000:]
            == -1
        )
        for strength in (0, 1)
    ]
    assert shares[0] > 0.15
    assert shares[1] < 0.03


def test_each_series_has_its_own_memory_whatever_the_order_of_the_rows():
    frame = pd.DataFrame(noise(), columns=["a", "b"])
    frame["unit"] = np.where(np.arange(600) % 3 == 0, "x", "y")
    frame.loc[frame["unit"] == "x", ["a", "b"]] *= 5
    X = SlidingWindow(3, group_by="unit").fit_transform(frame)
    model = MovingReference(PCAAutoencoder(2), memory=30, strength=1).fit(X)
    expected = naive_scores(model, logs_of(model, X), frame["unit"])
    np.testing.assert_allclose(model.score_samples(X), expected)
    shuffled = np.random.default_rng(0).permutation(600)
    np.testing.assert_array_equal(
        model.score_samples(X[shuffled]), model.score_samples(X)[shuffled]
    )


@pytest.mark.parametrize("padded", [True, False])
def test_after_a_gap_it_starts_anew(padded):
    frame = pd.DataFrame(noise(), columns=["a", "b"])
    frame["t"] = np.arange(600) + 100 * (np.arange(600) >= 350)
    X = SlidingWindow(3, time="t", max_gap=5).fit_transform(frame)
    segment = np.arange(600) >= 350
    if not padded:
        kept = X.ends - X.starts == 2
        X, segment = X[kept], segment[kept]
    model = MovingReference(PCAAutoencoder(2), memory=30, strength=1).fit(X[:200])
    expected = naive_scores(model, logs_of(model, X), segment)
    np.testing.assert_allclose(model.score_samples(X), expected)


def test_windows_that_are_left_out_are_no_gap():
    X = windows_of(noise(), 3)
    model = MovingReference(PCAAutoencoder(2), memory=30, strength=1).fit(X[:200])
    kept = np.r_[0:300, 310:600]
    logs = logs_of(model, X)
    logs[300:310] = np.nan
    expected = naive_scores(model, logs, np.zeros(600))[kept]
    np.testing.assert_allclose(model.score_samples(X[kept]), expected)


@pytest.mark.parametrize("stride", [2, 5])
def test_with_a_stride_the_memory_counts_rows(stride):
    X, _ = sliding_windows(noise(), 5, stride=stride)
    model = MovingReference(PCAAutoencoder(2), memory=60, strength=1).fit(X)
    logs = np.full(596, np.nan)
    logs[::stride] = logs_of(model, X)
    expected = naive_scores(model, logs, np.zeros(596))[::stride]
    np.testing.assert_allclose(model.score_samples(X), expected)


def test_windows_without_data_have_no_score_and_no_part_in_the_median():
    table = noise()
    table[320:350] = np.nan
    X = windows_of(table, 3)
    model = MovingReference(PCAAutoencoder(2), memory=30, strength=1).fit(X[:300])
    scores = model.score_samples(X)
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(scores)), np.r_[322:350])
    expected = naive_scores(model, logs_of(model, X), np.zeros(600))
    np.testing.assert_allclose(scores, expected)


def test_an_array_is_scored_as_the_windows_that_it_was_cut_from():
    X = windows_of(noise(), 3)
    parameters = {"memory": 30, "strength": 1}
    one = MovingReference(PCAAutoencoder(2), **parameters).fit(X[2:])
    other = MovingReference(PCAAutoencoder(2), **parameters).fit(np.asarray(X[2:]))
    np.testing.assert_array_equal(one.score_samples(X), other.score_samples(X))


# Later tables.


def timed(table, first=0, units=("x",)):
    frame = pd.DataFrame(table, columns=["a", "b"])
    frame["t"] = first + np.arange(len(table))
    return pd.concat([frame.assign(unit=unit) for unit in units], ignore_index=True)


@pytest.mark.parametrize("units", [("x",), ("x", "y")])
def test_it_goes_on_from_the_training_series_when_time_tells_so(units):
    frame = timed(noise(), units=units)
    early = frame["t"] < 400
    slider = SlidingWindow(3, time="t", group_by="unit").fit(frame[early])
    model = MovingReference(PCAAutoencoder(2), memory=60, strength=1)
    model.fit(slider.transform(frame[early]))
    whole = SlidingWindow(3, time="t", group_by="unit").fit_transform(frame)
    expected = model.score_samples(whole)[~early]
    later = slider.transform(frame[~early])
    np.testing.assert_allclose(model.score_samples(later), expected)
    # Of the training table itself nothing has come before.
    own = slider.transform(frame[early])
    again = naive_scores(model, logs_of(model, own), frame["unit"][early])
    np.testing.assert_allclose(model.score_samples(own), again)


def test_other_series_and_tables_without_time_start_anew():
    frame = timed(noise())
    slider = SlidingWindow(3, time="t", group_by="unit").fit(frame[:400])
    model = MovingReference(PCAAutoencoder(2), memory=60, strength=1)
    model.fit(slider.transform(frame[:400]))
    other = slider.transform(frame[400:].assign(unit="z"))
    expected = naive_scores(model, logs_of(model, other), np.zeros(200))
    np.testing.assert_allclose(model.score_samples(other), expected)
    plain = windows_of(frame[["a", "b"]][400:], 3)
    expected = naive_scores(model, logs_of(model, plain), np.zeros(200))
    np.testing.assert_allclose(model.score_samples(plain), expected)


def test_a_slice_of_the_training_windows_does_not_remember_what_follows():
    X = windows_of(noise(), 3)
    model = MovingReference(PCAAutoencoder(2), memory=60, strength=1).fit(X)
    part = X[200:300]
    expected = naive_scores(model, logs_of(model, part), np.zeros(100))
    np.testing.assert_allclose(model.score_samples(part), expected)


def test_a_loaded_one_goes_on_as_well(tmp_path):
    frame = timed(noise())
    pipeline = make_pipeline(
        SlidingWindow(3, time="t", group_by="unit"),
        MovingReference(PCAAutoencoder(2), memory=60),
    ).fit(frame[:400])
    save(pipeline, tmp_path / "moving.skseq")
    loaded = load(tmp_path / "moving.skseq")
    np.testing.assert_array_equal(
        loaded.score_samples(frame[400:]), pipeline.score_samples(frame[400:])
    )


def test_a_share_of_the_training_sequences_takes_one_fit(monkeypatch):
    X, fits, fit = windows_of(noise(), 3), [], PCAAutoencoder.fit

    def count(self, X, y=None):
        fits.append(X)
        return fit(self, X, y)

    monkeypatch.setattr(PCAAutoencoder, "fit", count)
    share = MovingReference(PCAAutoencoder(2), memory=30, contamination=0.05).fit(X)
    assert fits == [X]
    assert np.mean(share.predict(X) == -1) == pytest.approx(0.05, abs=1 / len(X))
    other = MovingReference(PCAAutoencoder(2), memory=30).fit(X)
    assert len(fits) == 3
    np.testing.assert_array_equal(share.score_samples(X), other.score_samples(X))


def test_it_goes_around_a_committee():
    X = windows_of(sine_table(300), 4)
    members = [("pca", PCAAutoencoder(2)), ("two", PCAAutoencoder(3))]
    model = MovingReference(DetectorCommittee(members), memory=30).fit(X)
    assert not model.is_logarithmic_
    assert np.isfinite(model.score_samples(X)).all()
    pd.testing.assert_frame_equal(model.explain(X), model.detector_.explain(X))
    assert not hasattr(MovingReference(IsolationForest()), "explain")


def test_the_time_grows_with_the_rows_not_with_the_memory():
    table = noise(100_000)
    X = windows_of(table, 3)
    model = MovingReference(PCAAutoencoder(2), memory=5000).fit(X[:2000])
    start = time.perf_counter()
    model.detector_.score_samples(X)
    own = time.perf_counter() - start
    start = time.perf_counter()
    model.score_samples(X)
    assert time.perf_counter() - start < 3 * own + 3


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"lag": 2}, "'lag' parameter of MovingReference must be at least 3"),
        ({"strength": 1.5}, "'strength' parameter"),
        ({"memory": 0}, "'memory' parameter"),
        (
            {"detector": make_pipeline(SlidingWindow(2), PCAAutoencoder())},
            "must not hold a SlidingWindow",
        ),
    ],
)
def test_wrong_parameters_are_told(parameters, message):
    model = MovingReference(PCAAutoencoder()).set_params(**parameters)
    with pytest.raises(ValueError, match=message):
        model.fit(windows_of(noise(), 3))


def test_a_part_without_data_is_told():
    X = np.array(windows_of(noise(), 3))
    X[500:] = np.nan
    with pytest.raises(ValueError, match="has an observed cell"):
        MovingReference(PCAAutoencoder(2)).fit(X)


def test_dask_refuses_what_has_to_know_earlier_scores():
    dd = pytest.importorskip("dask.dataframe")
    from skseq.dask import windowed_scores

    frame = pd.DataFrame(noise(), columns=["a", "b"])
    pipeline = make_pipeline(SlidingWindow(3), MovingReference(PCAAutoencoder(2)))
    with pytest.raises(ValueError, match="MovingReference has to know the scores"):
        windowed_scores(dd.from_pandas(frame, npartitions=2), pipeline.fit(frame))


@pytest.mark.parametrize(
    ("attribute", "value", "message"),
    [
        ("detector_", None, "detector_ gives no scores"),
        ("center_", "low", "center_ is not a number"),
        ("lag_", 0, "lag_ is not a count"),
        ("memory_", 2.5, "memory_ is not a count"),
        ("is_logarithmic_", 1, "is_logarithmic_ is no bool"),
        ("_last_logs", [], "not rows for each of _last_logs"),
        ("_last_rows", [np.zeros((2, 5), np.float32)], "_last_rows has the shape"),
        ("_series_names", (np.zeros(3),), "_series_names has the shape"),
    ],
)
def test_a_file_of_what_does_not_go_together_is_refused(
    tmp_path, attribute, value, message
):
    model = MovingReference(PCAAutoencoder(2)).fit(windows_of(noise(), 3))
    setattr(model, attribute, value)
    with pytest.raises(ValueError, match=message):
        save(model, tmp_path / "moving.skseq")
