# SPDX-License-Identifier: BSD-3-Clause
"""Estimators in files that hold no code."""

from ._archive import FileFormatError
from ._onnx import to_onnx
from ._save import load, save
from ._trusted import trusted_types

__all__ = ["FileFormatError", "load", "save", "to_onnx", "trusted_types"]
