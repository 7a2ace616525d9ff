# SPDX-License-Identifier: BSD-3-Clause
"""What onnxruntime makes of a graph."""

import pytest


def outputs_of(model, X):
    """Outputs of a graph by their names; skips a test where there is no runtime."""
    onnx = pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, {"X": X}), strict=True))
