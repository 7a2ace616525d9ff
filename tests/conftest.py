# SPDX-License-Identifier: BSD-3-Clause
"""Fixtures shared by the tests."""

import gc
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from instruction_sets import isa  # noqa: F401
from make import leave_out_pictures

from skseq import SlidingWindow

# Python looks through all objects for what is no longer used after every 700 new ones.
# While modules are loaded and tests are listed, next to nothing is.
gc.set_threshold(100_000, 50, 50)


def pytest_collection_finish():
    """Save what takes time where thousands of small networks are made in a process.

    What was loaded is not looked through again, and new objects less often: a graph of
    TensorFlow is of thousands. Graphs are run as they are: most of those in the tests
    are run for a few batches, which is done sooner than they are optimised. And a
    traced network waits longer for the next test that asks for one.
    """
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    if "tensorflow" in sys.modules:
        import tensorflow

        optimizer = tensorflow.config.optimizer
        optimizer.set_experimental_options({"disable_meta_optimizer": True})
    if "skseq.engines._keras" in sys.modules:
        sys.modules["skseq.engines._keras"]._POOL_SIZE = 32


@pytest.fixture(scope="session")
def shared_data():
    """Folder of the real tables that stand beside the repository, if they do."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs the folder shared/data beside the repository")
    return folder


@pytest.fixture
def public_tables(shared_data, tmp_path, monkeypatch):
    """The cache of the downloads, filled from the tables beside the repository."""
    shutil.copytree(shared_data / "nab", tmp_path / "nab" / "data" / "realKnownCause")
    (tmp_path / "nab" / "labels").mkdir()
    labels = shared_data / "nab" / "combined_windows.json"
    shutil.copy(labels, tmp_path / "nab" / "labels")
    shutil.copytree(shared_data / "tep", tmp_path / "tep")
    monkeypatch.setenv("SKSEQ_DATA", str(tmp_path))


@pytest.fixture(scope="session")
def table():
    """Two sensors that move together, but for the events."""
    rng = np.random.default_rng(0)
    y = np.zeros(300, dtype=int)
    y[10::15] = y[11::15] = 1
    wave = np.sin(np.arange(300) / 3)
    X = np.column_stack([wave, np.where(y, -wave, wave) + 2 * y])
    return X + rng.normal(scale=0.05, size=X.shape), y


@pytest.fixture(scope="session")
def sensors(table):
    """Rows of four sensors, interleaved, with a gap in time."""
    X, y = table
    minutes = np.repeat(np.arange(75), 4)
    minutes[150:] += 600
    frame = pd.DataFrame(
        {
            "sensor_id": np.tile(["a", "b", "c", "d"], 75),
            "timestamp": pd.Timestamp("2024-01-01") + pd.to_timedelta(minutes, "min"),
            "flow": np.repeat(X[:75, 0], 4),
            "pressure": np.repeat(X[:75, 1], 4),
        },
        index=np.arange(300) * 2,
    )
    return frame, pd.Series(np.repeat(y[:75], 4), index=frame.index)


@pytest.fixture
def frame():
    """Two interleaved pumps, with a pause of pump 'a' before its last row."""
    minutes = [0, 0, 1, 1, 2, 2, 30]
    return pd.DataFrame(
        {
            "pump": list("abababa"),
            "flow": np.arange(7.0),
            "at": pd.Timestamp("2026-03-01") + pd.to_timedelta(minutes, unit="min"),
            "head": np.arange(7.0) * 10,
        },
        index=pd.Index(range(100, 107), name="id"),
    )


@pytest.fixture
def pumps():
    return SlidingWindow(3, group_by="pump", time="at", max_gap="5min")


@pytest.fixture
def mount_disk(tmp_path):
    """Make a file system of a size, such as "64k", in a folder of its own."""
    folder = tmp_path / "disk"

    def mount(size):
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "skseq-test", folder]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("needs the right to mount a file system")
        return folder

    yield mount
    if os.path.ismount(folder):
        subprocess.run(["umount", folder], check=True)


@pytest.fixture
def quick(monkeypatch):
    """No pictures on a page about scores."""
    leave_out_pictures(monkeypatch)
