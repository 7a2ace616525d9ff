# SPDX-License-Identifier: BSD-3-Clause
"""Pages of single tests without pictures; those of fixtures have them."""

import pytest


@pytest.fixture(autouse=True)
def _quick(quick):
    pass
