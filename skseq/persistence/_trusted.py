# SPDX-License-Identifier: BSD-3-Clause
"""The types of this package that skops can be told to trust."""

from ..networks._architecture import DenseLayer, RecurrentLayer
from ._classes import known_classes
from ._skops import HARMLESS


def trusted_types():
    """Names of the types that a fitted estimator of this package is made of.

    For ``trusted`` of ``skops.io.load``, and for what is built on it, such as the
    ``skops_trusted_types`` of MLflow. What these types do when they are loaded is to
    keep numbers, arrays and names. Those of scikit-learn that skops does not trust,
    such as the nodes of trees, are not among them.

    Returns
    -------
    names : list of str
        As skops names them, of this version of the package: they may move with the
        next one.

    See Also
    --------
    skseq.load : Reads this package's own files, which name no types to trust.

    Examples
    --------
    >>> import numpy as np
    >>> import skops.io
    >>> from skseq import PCAAutoencoder
    >>> from skseq.persistence import trusted_types
    >>> X = np.random.default_rng(0).normal(size=(40, 5, 2))
    >>> content = skops.io.dumps(PCAAutoencoder(2).fit(X))
    >>> skops.io.loads(content, trusted=trusted_types()).n_components_
    2
    """
    own = [
        f"{kind.__module__}.{kind.__qualname__}"
        for kind in (*known_classes(), DenseLayer, RecurrentLayer)
    ]
    return sorted([*HARMLESS, *(name for name in own if name.startswith("skseq."))])
