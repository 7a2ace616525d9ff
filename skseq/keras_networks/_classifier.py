# SPDX-License-Identifier: BSD-3-Clause
"""KerasClassifier: SciKeras's, as the last step of a pipeline of windows.

The one module that loads Keras when it is imported: its class inherits from SciKeras.
"""

import contextlib

import numpy as np
from sklearn.utils import ClassifierTags

from .._estimator import PAGES, DocumentationLinkMixin
from .._sklearn import _num_samples
from .._validation import (
    check_sequences,
    is_windows,
    n_dimensions,
    unmasked,
    without_data,
)
from ..engines._batches import Preparation, feature_means
from ..networks._quiet import hold_back_stderr, quiet_first_steps, running_keras
from ..reconstruction._decisions import warn_of_no_data
from ._network import PackedModel, shallow_copy
from ._scikeras import import_scikeras, seeded


def _not_judged(X):
    """Tell the sequences of which nothing was observed; a table has none of them."""
    if n_dimensions(X) != 3:
        return np.zeros(_num_samples(X), dtype=bool)
    if not is_windows(X):
        X = np.asarray(unmasked(X), dtype=float)
    return without_data(X)


class KerasClassifier(DocumentationLinkMixin, import_scikeras().KerasClassifier):
    """SciKeras's ``KerasClassifier``, for sequences and current scikit-learn.

    The parameters are those of SciKeras. What is different:

    - scikit-learn is told that this is a classifier. From SciKeras 0.13 it learns
      nothing, so that an integer ``cv`` is not stratified, and scorers of rankings,
      such as "average_precision" and "roc_auc", fail.
    - ``X`` may be :class:`~skseq.Windows`, or any array of shape (n_samples,
      n_timesteps, n_features), with NaN for padding and missing values. The network
      gets the training means in their place, in float32. A window in which nothing was
      observed is not judged: its probabilities are NaN.
    - A seeded fit leaves no trace in Python's, NumPy's and TensorFlow's generators, and
      TensorFlow in its usual mode.
    - A pickle holds the network and its weights. It predicts, but has no optimiser.

    Parameters
    ----------
    model : callable or keras.Model, default=None
        Function that builds the network, Sequential or functional.

    class_weight : dict or "balanced", default=None
        Weights of the classes.

    **kwargs : dict
        All other parameters of ``scikeras.wrappers.KerasClassifier``, routed ones such
        as ``model__units`` included.

    Attributes
    ----------
    model_ : keras.Model
        The network.

    classes_ : ndarray of shape (n_classes,)
        Labels.

    feature_means_ : ndarray of shape (n_features,)
        Training means, which stand for missing values. Not where ``X`` was 2-D.

    n_features_in_ : int
        Number of features.

    See Also
    --------
    KerasAutoencoder : Without labels, from any wrapper of SciKeras.

    References
    ----------
    .. [1] A. Garcia Badaracco, SciKeras, https://github.com/adriangb/scikeras.

    Examples
    --------
    >>> import keras
    >>> import numpy as np
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklearn.pipeline import make_pipeline
    >>> from skseq import SlidingWindow
    >>> from skseq.keras_networks import KerasClassifier
    >>> def build(meta):
    ...     return keras.Sequential([
    ...         keras.Input(meta["X_shape_"][1:]),
    ...         keras.layers.Flatten(),
    ...         keras.layers.Dense(1, activation="sigmoid"),
    ...     ])
    >>> classifier = KerasClassifier(
    ...     build, loss="binary_crossentropy", verbose=0, random_state=0
    ... )
    >>> pipe = make_pipeline(SlidingWindow(4), classifier)
    >>> X, y = np.sin(np.arange(60)).reshape(30, 2), np.arange(30) % 3 == 0
    >>> cross_val_score(pipe, X, y, cv=2, scoring="average_precision").shape
    (2,)
    """

    _doc_link_template = PAGES + "{estimator_module}.{estimator_name}.html"

    def initialize(self, X, y):
        """Build the network without training it.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features)
            Sequences.

        y : array-like of shape (n_samples,)
            Labels.

        Returns
        -------
        self : object
            Estimator that can predict.
        """
        with running_keras(), seeded(self):
            return super().initialize(X, y)

    def predict_proba(self, X, **kwargs):
        """Predict the probability of each class.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features)
            Sequences.

        **kwargs : dict
            For ``keras.Model.predict``.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``. NaN where no cell was observed.
        """
        missing = _not_judged(X)
        # SciKeras drops the axis of a single sample.
        probabilities = np.array(super().predict_proba(X, **kwargs))
        probabilities = probabilities.reshape(len(missing), -1)
        probabilities[missing] = np.nan
        return probabilities

    def predict(self, X, **kwargs):
        """Predict the most probable class.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features)
            Sequences.

        **kwargs : dict
            For ``keras.Model.predict``.

        Returns
        -------
        y : ndarray of shape (n_samples,)

        Warns
        -----
        UserWarning
            If no cell of a sequence was observed: it is not judged, and gets the first
            of ``classes_``.
        """
        labels = np.atleast_1d(super().predict(X, **kwargs))
        missing = _not_judged(X)
        if missing.any():
            warn_of_no_data(missing, repr(self.classes_.tolist()[0]), "predict_proba")
            labels[missing] = self.classes_[0]
        return labels

    def _fit(self, *args, **kwargs):
        with running_keras(), seeded(self):
            super()._fit(*args, **kwargs)

    def _initialize(self, *args, **kwargs):
        with hold_back_stderr():
            return super()._initialize(*args, **kwargs)

    def _fit_keras_model(self, *args, **kwargs):
        with quiet_first_steps(self.model_):
            super()._fit_keras_model(*args, **kwargs)

    def _predict_raw(self, *args, **kwargs):
        fitted = hasattr(self, "model_")  # else it is told that it is not
        quiet = quiet_first_steps(self.model_) if fitted else contextlib.nullcontext()
        with running_keras(), quiet:
            return super()._predict_raw(*args, **kwargs)

    def _validate_data(self, X=None, y=None, reset=False, y_numeric=False):
        sequences = X is not None and n_dimensions(X) == 3
        if sequences:
            X = check_sequences(self, X, reset=reset)
            if reset:
                self.feature_means_ = feature_means(X)
            X = Preparation(self.feature_means_).batch(X, slice(None)).inputs
        X, y = super()._validate_data(X, y, reset=reset, y_numeric=y_numeric)
        if sequences and reset:
            self.n_features_in_ = X.shape[2]  # SciKeras takes the number of steps.
        return X, y

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.estimator_type = "classifier"
        tags.classifier_tags = ClassifierTags()
        tags.target_tags.required = True
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        return tags

    __copy__ = shallow_copy  # the state below is for a pickle

    def __getstate__(self):
        state = dict(super().__getstate__())
        if "model_" in state:
            state["model_"] = PackedModel(self.model_)
        return state
