# SPDX-License-Identifier: BSD-3-Clause
"""Fixtures shared by the tests of windowing."""

import numpy as np
import pandas as pd
import pytest

from skseq import SlidingWindow


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
