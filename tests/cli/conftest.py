# SPDX-License-Identifier: BSD-3-Clause
"""Pages of single tests without pictures."""

import pytest


@pytest.fixture(autouse=True)
def _quick(quick):
    pass
