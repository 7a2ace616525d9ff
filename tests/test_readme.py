# SPDX-License-Identifier: BSD-3-Clause
"""The README's code, run as it stands."""

import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skseq

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def code(marker):
    """The block of code that holds the marker."""
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    (block,) = (block for block in blocks if marker in block)
    return block


@pytest.fixture
def names():
    """What a reader of the later blocks has imported."""
    ours = {name: getattr(skseq, name) for name in skseq.__all__}
    return {
        **ours,
        "GridSearchCV": GridSearchCV,
        "LogisticRegression": LogisticRegression,
        "StandardScaler": StandardScaler,
        "TimeSeriesSplit": TimeSeriesSplit,
        "make_pipeline": make_pipeline,
    }


def test_the_first_example_prints_what_the_readme_says(capsys):
    exec(code("make_process_faults"), {})
    shown = capsys.readouterr().out.split()
    (output,) = re.findall(r"```text\n(.*?)```", README, re.DOTALL)
    said = output.split()
    assert shown[::2] == said[::2]
    # Another processor rounds otherwise, and training carries that on.
    np.testing.assert_allclose(
        np.array(shown[1::2], float), np.array(said[1::2], float), atol=0.1
    )


def test_a_grid_search_over_layer_sizes(table, names):
    X, y = table
    exec(code("GridSearchCV(pipe"), names, found := {"X": X, "y": y})
    grid = found["grid"]
    assert np.isfinite(grid.cv_results_["mean_test_score"]).all()
    assert grid.best_score_ > 2 * y.mean()
    assert grid.predict(X).shape == y.shape


def test_a_table_of_many_sensors(sensors, names):
    frame, alarm = sensors
    found = {"frame": frame, "alarm": alarm, "new_frame": frame}
    exec(code('group_by="sensor_id"'), names, found)
    probability = found["pipe"].predict_proba(frame)
    assert probability.shape == (300, 2)
    assert average_precision_score(alarm, probability[:, 1]) > alarm.mean()
    np.testing.assert_allclose(
        found["pipe"][1].transformer_.mean_, frame[["flow", "pressure"]].mean()
    )
