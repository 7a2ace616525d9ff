# SPDX-License-Identifier: BSD-3-Clause
"""MovingReference: a detector's score, less what was usual lately."""

from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, MetaEstimatorMixin, OutlierMixin, clone
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from ._detectors import (
    check_detector,
    fit_on_windows,
    is_error,
    log_errors,
    score_windows,
)
from ._estimator import (
    CallbackSupportMixin,
    DocumentationLinkMixin,
    all_or_nothing,
    reports_fit,
)
from ._sample_weight import check_weights, taken
from ._sklearn import HasMethods, Interval, _fit_context
from ._validation import check_sequences, is_windows
from .reconstruction._decisions import OutlierDecisionsMixin
from .reconstruction._estimator import CONTAMINATION_CONSTRAINTS
from .reconstruction._offset import check_contamination
from .windowing._held_out import hold_out


@dataclass(frozen=True)
class _Segment:
    """Windows of one series without a gap, in order, and their rows from the first."""

    positions: np.ndarray
    rows: np.ndarray
    begins_series: bool

    def by_row(self, values):
        """Values of the windows for each row, NaN where none ends."""
        out = np.full(self.rows[-1] + 1, np.nan)
        out[self.rows] = values[self.positions]
        return out


def _segments(X):
    """Segments of sequences; those of an array are one series."""
    if not is_windows(X):
        rows = np.arange(len(X))
        return [_Segment(rows, rows, True)]
    order = np.argsort(X.ends, kind="stable")
    starts, ends, series = X.starts[order], X.ends[order], X.series[order]
    steps = np.diff(ends)
    new_series = np.diff(series, prepend=-1) > 0
    usual = np.median(steps[~new_series[1:]]) if not new_series[1:].all() else 1
    # After a gap a row stands alone, or, where there are full windows alone, a window
    # shares no row with the one before, that its table has right before it. Windows
    # that are merely left out leave rows between.
    alone = (starts[1:] == ends[1:]) & (X.n_timesteps > 1) & (steps > 0)
    apart = (starts[1:] == ends[:-1] + 1) & (steps > usual)
    first = new_series.copy()
    first[1:] |= alone | apart
    bounds = np.flatnonzero(first)
    return [
        _Segment(positions, X.ends[positions] - X.ends[positions[0]], begins)
        for positions, begins in zip(
            np.split(order, bounds[1:]), new_series[bounds], strict=True
        )
    ]


@dataclass(frozen=True)
class _Reference:
    """How far above ``center`` the median of ``memory`` rows is, ``lag`` rows ago."""

    center: float
    memory: int
    lag: int

    def excess(self, X, logs, before):
        """For each window; ``before`` gives what came before a segment, by row."""
        out = np.empty(len(logs))
        for segment in _segments(X):
            past = before(X, segment)
            by_row = np.concatenate([past, segment.by_row(logs)])
            excess = self._excess_by_row(by_row)[len(past) :]
            out[segment.positions] = excess[segment.rows]
        return out

    def _excess_by_row(self, logs):
        out = np.zeros(len(logs))
        if len(logs) <= self.lag:
            return out
        rolling = pd.Series(logs[: -self.lag]).rolling(self.memory, min_periods=1)
        # Of few rows the median is uncertain: the rest of the memory is as in training.
        share = np.minimum(np.arange(1, len(logs) - self.lag + 1) / self.memory, 1)
        excess = share * (rolling.median().to_numpy() - self.center)
        out[self.lag :] = np.nan_to_num(excess)
        return out


def _nothing(X, segment):
    return np.empty(0)


@dataclass(frozen=True)
class _Tails:
    """The ends of the training series: their last log errors and rows, and names."""

    logs: list
    rows: list
    names: tuple

    @classmethod
    def of(cls, X, logs, n_kept):
        if not is_windows(X):  # nobody can tell what follows them
            return cls([], [], ())
        last = {}
        for segment in _segments(X):
            last[X.series[segment.positions[0]]] = segment
        rows = []
        for series, segment in last.items():
            stop = X.ends[segment.positions[-1]] + 1
            start = max(X.series_starts[series], stop - (X.n_timesteps - 1))
            rows.append(X.table[start:stop].astype(np.float32))
        series = np.array([*last], dtype=np.intp)
        return cls(
            [segment.by_row(logs)[-n_kept:] for segment in last.values()],
            rows,
            tuple(names[series] for names in X.series_names),
        )

    def before(self, X, segment):
        """Log errors of the rows before a segment, where it follows a training series.

        It does where its table begins with the last rows of that series, at which no
        window ends: SlidingWindow puts them there when time tells it to.
        """
        if is_windows(X) and segment.begins_series:
            first = segment.positions[0]
            series = X.series[first : first + 1][0]
            start, end = X.starts[first], X.ends[first]
            if start < end and start == X.series_starts[series]:
                history = X.table[start:end].astype(np.float32)
                for k in self._named(X, series):
                    rows = self.rows[k][-len(history) :]
                    if np.array_equal(rows, history, equal_nan=True):
                        return self.logs[k]
        return np.empty(0)

    def _named(self, X, series):
        """Training series of the name of a series; all where they have none."""
        same = np.ones(len(self.logs), dtype=bool)
        if len(X.series_names) == len(self.names):
            for known, names in zip(self.names, X.series_names, strict=True):
                same &= known == names[series]
        return np.flatnonzero(same)


def _explains(self):
    getattr(self, "detector_", self.detector).explain  # noqa: B018
    return True


class MovingReference(
    OutlierDecisionsMixin,
    OutlierMixin,
    MetaEstimatorMixin,
    CallbackSupportMixin,
    DocumentationLinkMixin,
    BaseEstimator,
):
    """Any detector, its score less what was usual lately.

    What is normal drifts: sensors age, seasons change, and the errors of all windows
    grow with that. The score is minus the logarithm of the detector's error, plus
    ``strength`` times how far the median of these logarithms over the last rows of the
    series lies above that of the training. Nothing looks ahead.

    Parameters
    ----------
    detector : estimator
        Anything with ``fit`` and ``score_samples``, higher for what is more normal. One
        that does not take sequences is given flattened windows, with the mean of a cell
        where it is missing.

    memory : int, default=1000
        Number of rows of which the median is taken. Until a series has as many, the
        median counts for as much less.

    lag : int, default=None
        Number of last rows that are left out of it, the window's own among them, so
        that an event does not become usual while it lasts. At least, and by default, as
        many as a window has.

    strength : float, default=0.5
        What share of the change is taken off, in [0, 1]. With 0 the scores are the
        detector's own, as logarithms, and slow wear shows as what it is; with 1 false
        alarms stay nearest to their nominal rate, and long events fade.

    contamination : "auto", float or tuple, default="auto"
        What sets ``offset_``, as of :class:`LSTMAutoencoder`. That of the detector is
        not used.

    validation_fraction : float, default=0.1
        Share to hold out for ``offset_``, as of :class:`DetectorCommittee`. The
        detector that is kept is then fitted to all sequences.

    Attributes
    ----------
    detector_ : estimator
        The fitted detector.

    center_ : float
        Median log error of the training sequences.

    is_logarithmic_ : bool
        Whether the logarithm of minus the detector's score is taken: where none of
        those in training is above 0. Else minus the score stands for it as it is, as
        that of a :class:`DetectorCommittee`.

    memory_ : int
        Number of rows of which the median is taken.

    lag_ : int
        Number of last rows that are left out.

    strength_ : float
        What share of the change is taken off.

    offset_ : float
        Score below which a sequence counts as an outlier.

    n_features_in_ : int
        Number of features; of time steps where ``X`` was 2-D.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where the input has them.

    sequence_shape_ : tuple of two int
        ``(n_timesteps, n_features)`` of the training sequences.

    See Also
    --------
    DetectorCommittee : Several detectors, any of which can raise the alarm.

    Notes
    -----
    The score of a window hangs on those before it: score a table whole, not row by row
    or in parts. :class:`Windows` tell the series, and the order of their rows, whatever
    the order in which they come; an array is taken as one series, in order. After a gap
    (``max_gap`` of :class:`SlidingWindow`) the memory starts anew, and so it does with
    each table, but for one that goes on from a training series: where ``SlidingWindow``
    has a ``time``, it puts the last training rows before the rows that follow, by which
    they are known.

    The detector is fitted twice: ``offset_`` is told by sequences that it had not seen,
    and carried over to the one that is kept by the median of the ratios of the errors.
    With a number as ``contamination``, which is a share of all training sequences, once
    is enough; as where a :class:`DetectorCommittee` sets an offset of its own.

    References
    ----------
    .. [1] A. Siffer, P.-A. Fouque, A. Termier, C. Largouet, "Anomaly detection in
       streams with extreme value theory", KDD 2017 (its DSPOT, for drift).

    Examples
    --------
    >>> import numpy as np
    >>> from skseq import MovingReference, PCAAutoencoder, sliding_windows
    >>> table = np.random.default_rng(0).normal(size=(3000, 2))
    >>> table[1200:] *= 2  # louder, for good
    >>> windows, _ = sliding_windows(table, 4)
    >>> plain = PCAAutoencoder(2).fit(windows[:1000])
    >>> float(np.mean(plain.predict(windows[2000:]) < 0).round(2))
    0.67
    >>> moving = MovingReference(PCAAutoencoder(2), memory=200, strength=1)
    >>> moving = moving.fit(windows[:1000])
    >>> float(np.mean(moving.predict(windows)[2000:] < 0).round(2))
    0.02
    """

    _parameter_constraints: dict = {
        "detector": [HasMethods(["fit", "score_samples", "get_params"])],
        "memory": [Interval(Integral, 1, None, closed="left")],
        "lag": [Interval(Integral, 1, None, closed="left"), None],
        "strength": [Interval(Real, 0, 1, closed="both")],
        "contamination": CONTAMINATION_CONSTRAINTS,
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    }

    def __init__(
        self,
        detector,
        *,
        memory=1000,
        lag=None,
        strength=0.5,
        contamination="auto",
        validation_fraction=0.1,
    ):
        self.detector = detector
        self.memory = memory
        self.lag = lag
        self.strength = strength
        self.contamination = contamination
        self.validation_fraction = validation_fraction

    @all_or_nothing
    @_fit_context(prefer_skip_nested_validation=False)
    @reports_fit
    def fit(self, X, y=None, sample_weight=None):
        """Fit the detector, and learn what its errors are in training.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features) or \
                (n_samples, n_timesteps)
            Training sequences, in time order. NaN is padding or a missing value.

        y : Ignored
            Not used, present for API consistency by convention.

        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sequence in the fit of the detector, if this takes any, of a
            window that of its last row. What is usual is told by all alike, as no
            window can be left out of what comes before another.

        Returns
        -------
        self : object
            Fitted estimator.

        Raises
        ------
        ValueError
            If the input is not valid or too short for ``validation_fraction``, the
            detector holds a SlidingWindow, or ``lag`` is shorter than a window.
        """
        rule = check_contamination(self.contamination, type(self).__name__)
        check_detector(self.detector, "The 'detector' parameter of MovingReference")
        X = check_sequences(self, X, reset=True)
        self.lag_ = self._check_lag(X.shape[1])
        self.memory_, self.strength_ = self.memory, float(self.strength)
        weights = check_weights(sample_weight, X)
        told = None if rule.of_all else self._told_by_unseen(rule, X, weights)
        detector = clone(self.detector)
        self._imputer = fit_on_windows(detector, X, weights=weights)
        self.detector_ = detector
        values = score_windows(detector, self._imputer, X)
        if told is None:
            self.is_logarithmic_ = is_error(values)
        logs = log_errors(values, self.is_logarithmic_)
        self.center_ = float(np.nanmedian(_judged(logs)))
        scores = self._less_reference(X, logs, _nothing)
        if told is None:
            offset = rule.offset(scores)
        else:
            unseen, before, training = told
            shift = float(np.nanmedian((logs - before)[training]))
            offset = rule.offset(unseen) - shift
            offset = rule.limited_log(offset, scores, unseen - shift)
        tails = _Tails.of(X, logs, self.memory_ + self.lag_)
        self._last_logs, self._last_rows = tails.logs, tails.rows
        self._series_names = tails.names
        self.offset_ = offset
        return self

    def _told_by_unseen(self, rule, X, weights):
        """Offset from sequences that a first fit had not seen; and its log errors.

        With them the places of the sequences that it was trained on.
        """
        parts = hold_out(X, self.validation_fraction)
        detector, rows = clone(self.detector), parts.training
        imputer = fit_on_windows(detector, X[rows], weights=taken(weights, rows))
        values = score_windows(detector, imputer, X)
        self.is_logarithmic_ = is_error(values)
        logs = log_errors(values, self.is_logarithmic_)
        self.center_ = float(np.nanmedian(_judged(logs[rows])))
        scores = self._less_reference(X, logs, _nothing)
        return _judged(scores[parts.held_out]), logs, rows

    def _check_lag(self, n_timesteps):
        if self.lag is None:
            return n_timesteps
        if self.lag < n_timesteps:
            raise ValueError(
                f"The 'lag' parameter of MovingReference must be at least {n_timesteps}"
                ", the number of time steps of a window, or None for that. Got "
                f"{self.lag} instead."
            )
        return int(self.lag)

    def _logs(self, X):
        values = score_windows(self.detector_, self._imputer, X)
        return log_errors(values, self.is_logarithmic_)

    def _less_reference(self, X, logs, before):
        """Scores, higher for what is more normal."""
        reference = _Reference(self.center_, self.memory_, self.lag_)
        return self.strength_ * reference.excess(X, logs, before) - logs

    def _score_samples(self, X):
        tails = _Tails(self._last_logs, self._last_rows, self._series_names)
        return self._less_reference(X, self._logs(X), tails.before)

    @available_if(_explains)
    def explain(self, X, *, per="feature"):
        """Tell what the detector's error of each sequence is made of.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features) or \
                (n_samples, n_timesteps)
            Sequences.

        per : {"feature", "cell"}, default="feature"
            Whether the columns are the features, or the pairs of a time step (counted
            back from the last one, 0) and a feature.

        Returns
        -------
        shares : DataFrame of shape (n_samples, n_features) or \
                (n_samples, n_timesteps * n_features)
            What the detector's own ``explain`` gives: the reference has no share in it.
        """
        check_is_fitted(self)
        return self.detector_.explain(X, per=per)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "offset_")


def _judged(values):
    """The values of a part, of which at least one must be a number."""
    if np.isnan(values).all():
        raise ValueError(
            "None of the windows that are trained on, or none of those that are held "
            "out, has an observed cell. Give rows with data, or another "
            "'validation_fraction'."
        )
    return values
