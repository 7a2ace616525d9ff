# SPDX-License-Identifier: BSD-3-Clause
import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skseq import (
    EachSeries,
    EachTimeStep,
    PCAAutoencoder,
    SlidingWindow,
    Windows,
    load,
    save,
    sliding_windows,
)

SLIDER = SlidingWindow(3, group_by="machine")


def fleet(names="abc", n_rows=40, seed=0):
    """Machines, interleaved, each at a level and of a spread of its own."""
    rng = np.random.default_rng(seed)
    machine = np.tile(list(names), n_rows)
    number = np.array([ord(str(name)[0]) for name in machine]) - 96
    x = 100 * number[:, None] + number[:, None] * rng.normal(size=(len(machine), 2))
    return pd.DataFrame({"machine": machine, "flow": x[:, 0], "level": x[:, 1]})


def scaled_by_hand(frame):
    values = frame.groupby("machine")[["flow", "level"]]
    return ((frame[["flow", "level"]] - values.transform("mean"))
            / values.transform(lambda x: x.std(ddof=0))).to_numpy()  # fmt: skip


def last(windows):
    return np.asarray(windows)[:, -1]


def test_each_series_is_scaled_by_its_own_rows():
    frame = fleet()
    windows = SLIDER.fit_transform(frame)
    scaled = EachSeries(StandardScaler(), min_rows=10).fit_transform(windows)
    assert isinstance(scaled, Windows)
    assert_allclose(last(scaled), scaled_by_hand(frame), atol=1e-4)
    assert scaled.feature_names == ["flow", "level"]
    assert_array_equal(np.isnan(scaled), np.isnan(windows))


def test_one_scaler_would_leave_the_levels():
    windows = SLIDER.fit_transform(fleet())
    frame = fleet()
    one = last(EachTimeStep(StandardScaler()).fit_transform(windows))
    own = last(EachSeries(StandardScaler(), min_rows=10).fit_transform(windows))
    means = [
        pd.DataFrame(x).groupby(frame["machine"]).mean().abs().max().max()
        for x in (one, own)
    ]
    assert means[0] > 1
    assert means[1] < 1e-4


def test_later_rows_are_scaled_by_the_training_rows_of_their_series():
    frame, later = fleet(), fleet("cab", seed=1)
    each = EachSeries(StandardScaler(), min_rows=10).fit(SLIDER.fit_transform(frame))
    out = last(each.transform(SLIDER.transform(later)))
    groups = frame.groupby("machine")[["flow", "level"]]
    mean, std = groups.mean(), groups.std(ddof=0)
    names = later["machine"]
    expected = (later[["flow", "level"]] - mean.loc[names].to_numpy()) / std.loc[
        names
    ].to_numpy()
    assert_allclose(out, expected, atol=1e-4)


def test_a_part_of_the_windows_is_scaled_as_in_the_whole():
    windows = SLIDER.fit_transform(fleet())
    each = EachSeries(StandardScaler(), min_rows=10).fit(windows)
    whole = np.asarray(each.transform(windows))
    for part in (slice(50, 90), np.arange(1, 120, 3), [7]):
        assert_array_equal(each.transform(windows[part]), whole[part])
        shipped = pickle.loads(pickle.dumps(windows[part]))
        assert_array_equal(
            pickle.loads(pickle.dumps(each)).transform(shipped), whole[part]
        )


def test_it_is_fitted_on_the_rows_that_the_windows_refer_to():
    frame = fleet()
    windows = SLIDER.fit_transform(frame)
    each = EachSeries(StandardScaler(), min_rows=10).fit(windows[:60])
    assert_array_equal(each.series_names_[0], ["a", "b", "c"])
    expected = frame[:60][frame["machine"][:60] == "b"][["flow", "level"]].mean()
    assert_allclose(each.transformers_[1].mean_, expected)


def test_a_series_of_few_rows_gets_the_pooled_transformer():
    frame = pd.concat([fleet(), fleet("d", n_rows=9)], ignore_index=True)
    windows = SLIDER.fit_transform(frame)
    each = EachSeries(StandardScaler(), min_rows=10).fit(windows)
    assert [t is None for t in each.transformers_] == [False, False, False, True]
    pooled = EachTimeStep(StandardScaler()).fit(windows)
    is_d = (frame["machine"] == "d").to_numpy()
    expected = last(pooled.transform(windows))[is_d]
    assert_allclose(last(each.transform(windows))[is_d], expected, rtol=1e-5)


def new_machine(unseen, min_rows=10):
    each = EachSeries(StandardScaler(), min_rows=min_rows, unseen=unseen)
    each.fit(SLIDER.fit_transform(fleet()))
    return each, fleet("ax", seed=2)


def test_a_new_series_gets_the_pooled_transformer():
    each, later = new_machine("pooled")
    out = last(each.transform(SLIDER.transform(later)))[1::2]
    values = later[["flow", "level"]][1::2]
    assert_allclose(out, each.pooled_.transformer_.transform(values), rtol=1e-5)


def test_a_new_series_gets_its_own_after_its_first_rows():
    each, later = new_machine("first_rows")
    later.loc[3, ["flow", "level"]] = np.nan  # counts for none
    out = last(each.transform(SLIDER.transform(later)))[1::2]
    values = later[["flow", "level"]][1::2]
    assert_allclose(
        out[:11], each.pooled_.transformer_.transform(values[:11]), rtol=1e-5
    )
    own = StandardScaler().fit(values[:11])
    assert_allclose(out[11:], own.transform(values[11:]), atol=1e-4)
    known = last(each.transform(SLIDER.transform(later)))[::2]
    assert_allclose(
        known, each.transformers_[0].transform(later[["flow", "level"]][::2]), atol=1e-4
    )


def test_the_first_rows_of_a_series_look_at_none_that_come_later():
    each, later = new_machine("first_rows")
    changed = later.copy()
    changed.loc[40:, ["flow", "level"]] *= 7
    before, after = (
        last(each.transform(SLIDER.transform(f))) for f in (later, changed)
    )
    assert_array_equal(before[:40], after[:40])
    assert (before[40:] != after[40:]).all()


def test_a_short_new_series_is_pooled_throughout():
    each, later = new_machine("first_rows", min_rows=40)
    out = last(each.transform(SLIDER.transform(later)))[1::2]
    values = later[["flow", "level"]][1::2]
    assert_allclose(out, each.pooled_.transformer_.transform(values), rtol=1e-5)


def test_a_new_series_may_be_an_error():
    each, later = new_machine("error")
    with pytest.raises(
        ValueError, match="not fitted on the series 'x'.*unseen='pooled'"
    ):
        each.transform(SLIDER.transform(later))


def test_ids_of_another_dtype_are_an_error():
    frame = fleet().assign(machine=np.tile([7, 8, 9], 40))
    each = EachSeries(StandardScaler()).fit(SLIDER.fit_transform(frame))
    text = frame.assign(machine=frame["machine"].astype(str))
    slider = clone(SLIDER).fit(text)
    with pytest.raises(ValueError, match="'7' is not 7, .*dtype"):
        each.transform(slider.transform(text))


def test_series_may_be_named_by_two_columns():
    frame = fleet().assign(plant=np.repeat(["n", "s"], 60))
    slider = SlidingWindow(3, group_by=["plant", "machine"])
    each = EachSeries(StandardScaler(), min_rows=5)
    out = last(each.fit_transform(slider.fit_transform(frame)))
    groups = frame.groupby(["plant", "machine"])["flow"]
    expected = (frame["flow"] - groups.transform("mean")) / groups.transform(
        "std", ddof=0
    )
    assert_allclose(out[:, 0], expected, atol=1e-4)
    assert ("s", "b") in zip(*each.series_names_, strict=True)


def test_groups_of_sliding_windows_name_the_series():
    frame = fleet()
    values = frame[["flow", "level"]]
    windows, ends = sliding_windows(values, 3, groups=frame["machine"], padded=True)
    out = EachSeries(StandardScaler(), min_rows=5).fit_transform(windows)
    assert_allclose(last(out), scaled_by_hand(frame)[ends], atol=1e-4)


def test_without_names_it_is_each_time_step():
    X = np.random.default_rng(0).normal(size=(20, 4, 2)) * 5 + 3
    windows = SlidingWindow(3).fit_transform(X[:, 0])
    for data in (X, windows):
        each = EachSeries(StandardScaler()).fit(data)
        assert_allclose(
            each.transform(data), EachTimeStep(StandardScaler()).fit_transform(data)
        )
        assert each.transformers_ == []


def test_an_array_of_windows_that_named_their_series_is_refused():
    windows = SLIDER.fit_transform(fleet())
    windows.feature_names = None
    each = EachSeries(StandardScaler()).fit(windows)
    with pytest.raises(ValueError, match="X names no series.*such as 'a'.*'group_by'"):
        each.transform(np.asarray(windows))


def test_names_that_come_after_none_were_known_are_new():
    frame = fleet()
    plain = SlidingWindow(3).fit_transform(frame[["flow", "level"]])
    each = EachSeries(StandardScaler()).fit(plain)
    out = each.transform(SLIDER.fit_transform(frame))
    values = each.pooled_.transformer_.transform(frame[["flow", "level"]])
    assert_allclose(last(out), values, rtol=1e-4)


def test_other_numbers_of_features_are_named():
    frame = fleet()
    frame.loc[frame["machine"] == "a", "level"] = 1.0
    each = EachSeries(PCA(0.99), min_rows=5)
    with pytest.raises(
        ValueError, match="series 'a' gives 1 features, that of all rows"
    ):
        # Both features vary together over the fleet, or not at all in one machine.
        each.fit(
            SLIDER.fit_transform(frame.assign(noise=fleet(seed=5)["flow"] % 1 * 100))
        )


def test_what_is_set_after_fit_changes_nothing():
    each, later = new_machine("first_rows")
    windows = SLIDER.transform(later)
    before = np.asarray(each.transform(windows))
    each.set_params(unseen="error", min_rows=1, transformer=PCA(1))
    assert_array_equal(each.transform(windows), before)


def test_a_fit_that_fails_leaves_it_as_it_was():
    windows = SLIDER.fit_transform(fleet())
    each = EachSeries(StandardScaler(), min_rows=5).fit(windows)
    before = np.asarray(each.transform(windows))
    with pytest.raises(ValueError, match="nothing but padding"):
        each.fit(np.full((2, 3, 1), np.nan))
    assert_array_equal(each.transform(windows), before)


def mean_score(detector, X, y=None):
    return detector.score_samples(X).mean()


def test_it_goes_through_a_grid_search_and_a_file(tmp_path):
    frame = fleet()
    pipeline = make_pipeline(SLIDER, EachSeries(StandardScaler()), PCAAutoencoder(2))
    grid = {
        "eachseries__min_rows": [5, 30],
        "eachseries__unseen": ["pooled", "first_rows"],
    }
    search = GridSearchCV(
        pipeline, grid, cv=TimeSeriesSplit(2), scoring=mean_score, error_score="raise"
    )
    search.fit(frame)
    save(search.best_estimator_, tmp_path / "fleet.skseq")
    again = load(tmp_path / "fleet.skseq")
    later = fleet("abx", seed=3)
    assert_array_equal(
        again.score_samples(later), search.best_estimator_.score_samples(later)
    )


def test_windows_refuse_names_of_other_series():
    with pytest.raises(
        ValueError, match="one name for each of the 2 series. Got the shape"
    ):
        Windows(
            np.zeros((4, 1)),
            [0, 2],
            [1, 3],
            2,
            series_starts=[0, 2],
            series_names=[["a"]],
        )


@pytest.mark.parametrize("time", [None, "at"])
def test_windows_know_the_names_of_their_series(time):
    frame = fleet().assign(at=np.repeat(np.arange(40), 3))
    slider = SlidingWindow(3, group_by="machine", time=time)
    windows = slider.fit_transform(frame if time else frame.drop(columns="at"))
    assert_array_equal(windows.series_names[0][windows.series], frame["machine"])
    part = windows[frame["machine"] == "b"].compact()
    assert part.series_names[0].tolist() == ["b"]
    if time:
        later = slider.transform(frame.assign(at=frame["at"] + 40)[:5])
        assert_array_equal(later.series_names[0][later.series], frame["machine"][:5])


def test_series_that_go_on_are_scaled_as_one(tmp_path):
    frame = fleet().assign(at=np.repeat(np.arange(40), 3))
    slider = SlidingWindow(4, group_by="machine", time="at").fit(frame[:90])
    each = EachSeries(StandardScaler(), min_rows=10).fit(slider.transform(frame[:90]))
    whole = np.asarray(
        each.transform(
            SlidingWindow(4, group_by="machine", time="at").fit_transform(frame)
        )
    )
    assert_array_equal(each.transform(slider.transform(frame[90:])), whole[90:])


def test_groups_of_the_other_byte_order_name_the_same_series():
    ids = np.repeat([1, 2], 5)
    for order in "<>":
        windows, _ = sliding_windows(
            np.zeros((10, 1)), 2, groups=ids.astype(f"{order}i4")
        )
        assert_array_equal(windows.series_names[0], [1, 2])
