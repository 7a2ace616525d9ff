# SPDX-License-Identifier: BSD-3-Clause
"""scikit-learn's own objects as bytes without code, through skops."""

import io
import json
from math import prod

import numpy as np
from sklearn.base import BaseEstimator

from ._archive import FileFormatError, read_members
from ._bounds import check_json

# What skops trusts by default are scikit-learn's estimators, numbers and containers.
# The type of an array, which a SimpleImputer keeps, is as harmless.
HARMLESS = ("numpy.dtype",)
# Parts of scikit-learn that compute with NumPy, which checks the shapes of arrays. What
# else there is may read beyond the end of those that were cut short.
_OF_NUMPY = (
    *("sklearn.base.", "sklearn.calibration.", "sklearn.compose.", "sklearn.pipeline."),
    *("sklearn.covariance.", "sklearn.cross_decomposition.", "sklearn.dummy."),
    *("sklearn.decomposition._base.", "sklearn.decomposition._factor_analysis."),
    *("sklearn.decomposition._fastica.", "sklearn.decomposition._incremental_pca."),
    *("sklearn.decomposition._kernel_pca.", "sklearn.decomposition._pca."),
    *("sklearn.decomposition._truncated_svd.", "sklearn.discriminant_analysis."),
    *("sklearn.ensemble._bagging.", "sklearn.ensemble._forest."),
    *("sklearn.ensemble._gb.", "sklearn.ensemble._iforest."),
    *("sklearn.ensemble._stacking.", "sklearn.ensemble._voting."),
    *("sklearn.ensemble._weight_boosting.", "sklearn.feature_selection."),
    *("sklearn.frozen.", "sklearn.gaussian_process.", "sklearn.impute._base."),
    *("sklearn.impute._iterative.", "sklearn.kernel_approximation."),
    *("sklearn.kernel_ridge.", "sklearn.linear_model.", "sklearn.mixture."),
    *("sklearn.isotonic.", "sklearn.model_selection."),
    *("sklearn.multiclass.", "sklearn.multioutput.", "sklearn.naive_bayes."),
    *("sklearn.neural_network.", "sklearn.preprocessing._data."),
    *("sklearn.preprocessing._discretization.", "sklearn.preprocessing._encoders."),
    *("sklearn.preprocessing._function_transformer.", "sklearn.preprocessing._label."),
    *("sklearn.preprocessing._polynomial.PolynomialFeatures", "sklearn.tree._classes."),
    *("sklearn.preprocessing._target_encoder.", "sklearn.random_projection."),
    # What these hold; the nodes of trees themselves are not trusted by skops either.
    *("sklearn.utils._bunch.", "sklearn.utils._tags.", "sklearn._loss."),
)


class UntrustedTypesError(FileFormatError):
    """The file holds types that its reader did not say to trust."""

    def __init__(self, where, types):
        super().__init__(
            f"{where} holds {', '.join(types)}, which is not trusted; if you trust "
            "who wrote the file, name it in 'trusted'"
        )
        self.types = types


def dump(value, where, trusted):
    """Bytes of a scikit-learn object; a TypeError names what cannot be saved."""
    import skops.io

    try:
        content = skops.io.dumps(value)
    except (TypeError, AttributeError) as error:
        raise TypeError(
            f"{where}, a {type(value).__name__}, cannot be saved by skops: {error}. "
            "Use pickle, in files that only those who trust you load."
        ) from error
    untrusted = _untrusted(content, trusted)
    if any(name.startswith("skseq.") for name in untrusted):
        raise TypeError(
            f"{where} is a {type(value).__name__} around {untrusted[0]}. In a file, "
            "only a Pipeline holds others. Save what is inside, such as "
            "best_estimator_."
        )
    if untrusted:
        raise TypeError(
            f"{where}, a {type(value).__name__}, holds {', '.join(untrusted)}, which "
            "is not trusted: a forged one could crash the process or run code. "
            "Name it in 'trusted', here and in skseq.load, to save it all the same."
        )
    return content


def load(content, where, trusted):
    """The scikit-learn object of some bytes, of trusted types only."""
    import skops.io

    for name, member in read_members(content).items():
        if name.endswith(".npy"):
            _check_npy(member, f"{where}, {name!r}")
        elif name == "schema.json":
            check_json(member, f"{where}, {name!r}")
        else:
            raise FileFormatError(f"{where} has an unknown member {name!r}")
    untrusted = _untrusted(content, trusted)
    if untrusted:
        raise UntrustedTypesError(where, untrusted)
    value = skops.io.loads(content, trusted=[*HARMLESS, *trusted])
    _check_no_memory(value, where)
    return value


def _untrusted(content, trusted):
    """Names of the types in some bytes that are not trusted."""
    import skops.io

    found = set(skops.io.get_untrusted_types(data=content))
    schema = json.loads(read_members(content)["schema.json"])
    found.update(filter(_has_compiled_code, _types_in(schema)))
    return sorted(found - {*HARMLESS, *trusted})


def _types_in(node):
    """Names of the types that a schema names, at any depth."""
    if isinstance(node, dict):
        if isinstance(node.get("__class__"), str):
            yield f"{node.get('__module__')}.{node['__class__']}"
        node = list(node.values())
    if isinstance(node, list):
        for part in node:
            yield from _types_in(part)


def _has_compiled_code(name):
    """Tell an estimator whose compiled code reads arrays of whatever shape they are."""
    return name.startswith("sklearn.") and not name.startswith(_OF_NUMPY)


def _check_no_memory(value, where):
    """A Pipeline with a 'memory' would write to it, and read pickles from there."""
    for part in _parts_of(value, set()):
        if getattr(part, "memory", None) is not None:
            raise FileFormatError(
                f"{where} holds a {type(part).__name__} with a 'memory', which must be "
                "None"
            )


def _parts_of(value, seen):
    """An object and the estimators inside it, fitted ones too."""
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, BaseEstimator):
        yield value
        value = list(vars(value).values())
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, np.ndarray):
        value = value.ravel().tolist() if value.dtype == object else ()
    if isinstance(value, (list, tuple)):
        for part in value:
            yield from _parts_of(part, seen)


def _check_npy(content, where):
    """NumPy would take the memory of an array before it finds that none follows."""
    stream = io.BytesIO(content)
    read_header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }[np.lib.format.read_magic(stream)]
    shape, _, dtype = read_header(stream)
    size = len(content) - stream.tell()
    if dtype.hasobject or min(shape, default=0) < 0:
        raise FileFormatError(f"{where} holds Python objects, or has no shape")
    if prod(shape) * dtype.itemsize != size:
        raise FileFormatError(
            f"{where} states the shape {shape} of {dtype}, but has {size} bytes"
        )
