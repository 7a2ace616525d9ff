# SPDX-License-Identifier: BSD-3-Clause
"""The checks of scikit-learn on every estimator (classifiers: test_detection.py)."""

from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from skseq import EachTimeStep, LSTMAutoencoder, PCAAutoencoder, SlidingWindow

ESTIMATORS = [
    EachTimeStep(StandardScaler()),
    LSTMAutoencoder((4, 2), max_epochs=2, random_state=0),
    PCAAutoencoder(),
    SlidingWindow(),
]
BY_DEFINITION = "a window depends on its neighbouring rows by definition"


def expected_failed_checks(estimator):
    if not isinstance(estimator, SlidingWindow):
        return {}
    return {
        "check_methods_subset_invariance": BY_DEFINITION,
        "check_methods_sample_order_invariance": BY_DEFINITION,
    }


@parametrize_with_checks(ESTIMATORS, expected_failed_checks=expected_failed_checks)
def test_estimator_passes_the_checks_of_sklearn(estimator, check):
    check(estimator)
