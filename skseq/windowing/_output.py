# SPDX-License-Identifier: BSD-3-Clause
"""Transformers whose output is 3-D."""

from sklearn.base import TransformerMixin


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
