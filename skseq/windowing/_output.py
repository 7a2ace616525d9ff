# SPDX-License-Identifier: BSD-3-Clause
"""What transformers of sequences give: sequences, or a row for each of them."""

import pandas as pd
from sklearn.base import TransformerMixin

from .._sklearn import _get_output_config


def windows_frame(estimator, table, X):
    """Give a row for each of some windows their index, where a frame is asked for.

    scikit-learn's own ``set_output`` takes an index from frames alone.
    """
    index = getattr(X, "index", None)
    wanted = _get_output_config("transform", estimator)["dense"]
    if not isinstance(index, pd.Index) or wanted != "pandas":
        return table
    return pd.DataFrame(table, index)


def refuse_column_transformer(caller):
    """Raise a ValueError where a frame is that of ColumnTransformer's own check.

    Its message names the transformer alone, and nobody else knows that a transformer is
    the last one in there: one with WindowSummary after SlidingWindow is welcome.
    """
    if caller.f_code.co_name != "_validate_output":
        return
    if caller.f_globals.get("__name__") == "sklearn.compose._column_transformer":
        raise ValueError(
            "A ColumnTransformer puts tables side by side, and SlidingWindow gives "
            "windows, of 3 dimensions. Put SlidingWindow after the ColumnTransformer, "
            "in a pipeline; for names in 'time' and 'group_by' give that "
            "verbose_feature_names_out=False and set_output(transform='pandas'). Or "
            "let WindowSummary follow SlidingWindow in a pipeline inside."
        )


class SequenceTransformerMixin(TransformerMixin):
    """Mixin for transformers that give sequences, which no frame can hold."""

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(auto_wrap_output_keys=None, **kwargs)

    def set_output(self, *, transform=None):
        """Do nothing: sequences are 3-D, and cannot become a frame.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"}, default=None
            Accepted so that ``set_output`` works on a pipeline that holds this step.

        Returns
        -------
        self : object
            The estimator.
        """
        return self
