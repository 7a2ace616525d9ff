# SPDX-License-Identifier: BSD-3-Clause
"""What any call may do with any input: give a right result, or name what is wrong."""

import re
import warnings

import numpy as np
import pandas as pd
from sklearn.exceptions import DataConversionWarning

# A word of the message must tell what to look at: a parameter, a row, a column.
_NAMES = re.compile(
    r"\bX\b|\by\b|y_true|y_pred|y_score|sample_weight|groups?\b|\brows?\b|[Cc]olumn"
    r"|[Ss]equence|feature|['`]\w+['`]|^\w+ is not valid"
    r"|estimator|Input \w+ contains"
    # scikit-learn's own words, of the only array that it was given
    r"|Found array with|Expected (a )?\dD|Sparse data|Complex data"
    r"|Found input variables|Unknown label type|Singleton array|a minimum of"
)
# Warnings of scikit-learn's checks, as any of its estimators gives them.
_OF_SCIKIT_LEARN = [
    (DataConversionWarning, "A column-vector y was passed"),
    (UserWarning, "X (does not have valid|has) feature names"),
    (UserWarning, "pandas.DataFrame with sparse columns found"),
    # of its sum over -inf and inf, before it names them
    (RuntimeWarning, "invalid value encountered in reduce"),
]
# Words on tables that may well be no sequences, and on features that spoil a model.
_OF_DOUBT = [
    (UserWarning, "X is a table with"),
    (UserWarning, "The features? .*(only rise|agree)"),
    (UserWarning, "The features differ in scale"),
    (UserWarning, "The feature .* varies by less than"),
    (UserWarning, "The components that are kept, .* any sequence is reconstructed"),
    (UserWarning, ".* are too few to tell what errors are usual"),
    (UserWarning, "The errors of most held-out sequences lie far beyond"),
]


class Refused:
    """The error of a call that refused its input."""

    def __init__(self, error):
        self.error = error

    def __repr__(self):
        return f"Refused({self.error!r})"


def attempt(call, *args, allowed=(), **kwargs):
    """Result of a call that warns of nothing but what is allowed, or a clear refusal.

    ``allowed`` are pairs of a category and a regular expression.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # scikit-learn's intervals take a duration of NumPy for an integer.
        warnings.filterwarnings("ignore", category=DeprecationWarning, module="sklearn")
        for category, message in (*_OF_SCIKIT_LEARN, *_OF_DOUBT, *allowed):
            warnings.filterwarnings("ignore", message, category)
        try:
            return call(*args, **kwargs)
        except (ValueError, TypeError) as error:
            refused = Refused(error)
    assert _NAMES.search(str(refused.error)), f"names nothing: {refused}"
    return refused


def is_refused(*outcomes):
    return any(isinstance(outcome, Refused) for outcome in outcomes)


def assert_same(one, other):
    """Hold two outcomes of the same values to be the same."""
    assert type(one) is type(other) or not is_refused(one, other), (one, other)
    if is_refused(one):
        return
    if isinstance(one, (tuple, list)):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_same(a, b)
        return
    one, other = np.asarray(one), np.asarray(other)
    if one.dtype.kind in "OUSMm":
        assert list(map(str, one.ravel())) == list(map(str, other.ravel()))
        return
    np.testing.assert_allclose(other, one, rtol=1e-5, atol=1e-6)


def values_of(X):
    """Cells of any table or array as float64, or None where they are no numbers."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if isinstance(X, pd.DataFrame):
                X = X.to_numpy(dtype=np.float64, na_value=np.nan)
            if isinstance(X, np.ma.MaskedArray):
                X = X.astype(np.float64).filled(np.nan)
            return np.asarray(X, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return None


def assert_finite(outcome):
    outcome = np.asarray(outcome, dtype=np.float64)
    assert np.isfinite(outcome).all(), outcome
